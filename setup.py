"Hands settings.ini to setuptools: nothing is typed twice."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

cfg = ConfigParser(interpolation=None)
cfg.read(Path(__file__).parent/'settings.ini', encoding='utf-8')
cfg = cfg['DEFAULT']

def reqs(key): return [o.strip() for o in cfg[key].splitlines() if o.strip()]

extras = {key.removesuffix('_requirements'): reqs(key) for key in cfg if key.endswith('_requirements')}
for o in ('local', 'offline', 'docs', 'app', 'release', 'cluster'): extras['dev'] += extras[o]
shipped = {'course_labs.data': 'data', 'course_labs.labs': 'nbs/labs'}

setup(version=cfg['version'], description=cfg['description'], python_requires=f">={cfg['min_python']}",
      install_requires=reqs('requirements'), extras_require=extras,
      packages=find_packages(include=['course_labs', 'course_labs.*']) + list(shipped), package_dir=shipped,
      package_data={'course_labs.data': ['**/*'], 'course_labs.labs': ['*.ipynb']},
      entry_points={'console_scripts': ['course-labs=course_labs.cli:main']})
