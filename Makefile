# Every target calls the command line or pytest: nothing is decided here.
PYTHON ?= python3
VENV   ?= .venv
OUT    ?= out
BENCH_DIR ?= bench_out
JOBS   ?= 2
READY  := $(VENV)/.ready
BIN    := $(VENV)/bin
SUDO   := $(if $(filter 0,$(shell id -u)),,sudo)
APT    := $(SUDO) apt-get install -y python3-venv

.DEFAULT_GOAL := help
.PHONY: help setup labs test lab doctor docs sync recipes bench versions hosts soak resume own-data made-up-gpu gpu-pack clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Install everything into VENV (default .venv), once
$(READY): settings.ini setup.py
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { echo "Installing python3-venv, which makes virtual environments"; $(SUDO) apt-get update -qq; $(APT) && $(PYTHON) -m venv $(VENV); } \
	  || { echo "No virtual environment could be made. Install Python's venv module ($(APT)), then call make again."; exit 1; }
	$(BIN)/python -m course_labs.core.install --venv $(VENV)
	@touch $@

labs: $(READY) ## Execute every lab, tiny and offline, and name the report to open
	$(BIN)/course-labs run --size tiny --out $(OUT) --jobs $(JOBS)

test: $(READY) ## Run all tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

lab: $(READY) ## Open JupyterLab on the notebooks
	$(BIN)/course-labs lab

doctor: $(READY) ## Say what this machine is and what each lab would need
	$(BIN)/course-labs doctor

docs: $(READY) ## Build the site from a run of every lab at size tiny
	$(BIN)/course-labs docs --out _docs --jobs $(JOBS)

sync: $(READY) ## Write modules, README, badges and urls from the notebooks and settings.ini
	$(BIN)/course-labs sync

recipes: $(READY) ## Search the training settings of all that the labs compare; takes an hour and a half
	$(BIN)/course-labs recipes

bench: $(READY) ## Measure against peers, as ratios: BENCH_DIR/bench.html
	$(BIN)/python -m pip install --disable-pip-version-check -q -e '.[dev,bench]'
	$(BIN)/course-labs bench --out $(BENCH_DIR)

versions: ## Run the labs with the lowest and the newest versions under every Python here; takes hours and 12 GB
	$(PYTHON) tests/versions.py --jobs $(JOBS)

hosts: $(READY) ## Build the images of Colab and Kaggle from data/hosts, install the course there and run the labs; takes hours and 10 GB
	$(BIN)/python tests/hosts.py --plain --classic

soak: $(READY) ## Run the labs ten times with ten seeds: failures, spread of the results, disk; takes an hour
	$(BIN)/python tests/soak.py --jobs $(JOBS)

resume: $(READY) ## Keep every training of the labs and change one thing after another: it must begin anew; takes an hour
	$(BIN)/python tests/resume.py

own-data: $(READY) ## Run the labs on small data of one's own and on wild settings: no lab may end over a result; takes an hour
	$(BIN)/python tests/own_data.py

made-up-gpu: $(READY) ## Run the labs on a GPU that is made up: no cell may mix devices; takes an hour
	$(BIN)/python tests/lab_on_gpu.py

gpu-pack: $(READY) ## Put what a check of a GPU needs into gpu_pack; there, without a network: bash tests/gpu/run.sh
	$(BIN)/python tests/gpu/pack.py gpu_pack

clean: ## Remove what runs and builds left behind, but not VENV
	rm -rf $(OUT) $(BENCH_DIR) versions_out hosts_out soak_out own_data_out gpu_pack gpu_out build dist _docs _proc *.egg-info .pytest_cache .hypothesis
