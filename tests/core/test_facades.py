"Notebooks in students' hands import from places that have moved: every name that the labs of November 2026 imported is still there"
import importlib, re, subprocess

import pytest

from course_labs.core.paths import checkout
from course_labs.publishing.repo import FACADES

NAMES = {
    'bank': '''
        CLOSED WEEKS as_weeks bank concepts draw feedback key marks score shuffled to_html to_text'''.split(),
    'cards': '''
        Deck Glossary flashcards section_link terms to_anki'''.split(),
    'cnn': '''
        BatchNorm NoValidation RESNETS ResBlock SGD Split TensorLoader alexnet check_submission classify
        conv2d conv_layer conv_loops conv_net conv_out copy_weights cross_entropy dense_head dense_net
        dropout evaluate fit homework_files init_weights layer_table lenet loaders lr_sweep n_classes
        n_params new_learner pool2d receptive_field resnet softmax split_images windows write_submission
        zero_pad'''.split(),
    'collab': '''
        BatchLoader BiasOnly DotBias FusedAdamW GiveBack HOMEWORK NeuralCF PHRASES RatersDot axis_words
        chosen_or_not clear_unseen cross_search feedback_loop fit_ratings fold_in item_side load_recommender
        nearest pca predict push_recommender rating_errors rating_learner rating_loaders save_recommender
        score_newcomer similarity write_homework'''.split(),
    'comparison': '''
        Comparison'''.split(),
    'datasets': '''
        COMPETITION KAGGLE_SETTINGS cache_root data_dir image_folder photo_group read_images_csv
        write_images_csv'''.split(),
    'exercises': '''
        ERROR EXERCISES Exercise NOT_ATTEMPTED RIGHT Result WRONG Wrong check exercise get_exercise hint
        load_week mark same week_of'''.split(),
    'first_model': '''
        DB_RANGE HOP INSTRUMENTS N_FFT N_MELS NoValidation RATE REMEDIES SERIES StopEarly as_codes ask_app
        confusion distance draw_clips error_by_group features fit_length flip_labels gadf grey_image
        label_losses linear_error linear_model load_recogniser logits_of make_series mel_filters
        mel_spectrogram patrol_loop photo_table plot_image product_intensity quiet read_clip recognise
        recogniser_app scale_series scores seconds_of small_cnn split_groups split_random threads tone
        top_losses train_small'''.split(),
    'image_cache': '''
        cache_images cached_dls read_image'''.split(),
    'kaggle_client': '''
        kaggle_errors kernel_metadata need_credentials push_kernel'''.split(),
    'keras_nets': '''
        ACTIVATIONS BACKENDS ChannelsLast HOUSING HousingFeatures NoteRates POSITIVE REGIONS SKLEARN_HOUSING
        TensorBoardLog blanks choose_backend deep_net forward_backward image_cnn image_mlp image_pairs
        keras_to_torch load_images load_net perceptron perceptron_answer probabilities random_search
        read_housing read_scalars rmse same_digit_net save_net split_classes train_net wide_and_deep'''.split(),
    'launch': '''
        n_processes'''.split(),
    'midterm': '''
        ABILITIES SelfTest WEIGHTS concept_of essay_sheet needed read_answer show_question study_guide'''.split(),
    'nli': '''
        COLUMNS Embedder GroupedBatches IGNORE KINDS LABELS Logits SPECIALS accuracy batch_loss causal_batch
        check_finite classify_file disentangled_attention disentangled_scores draw_pairs encode_pairs
        fit_head gradient_by_distance gru_cell joined lstm_cell masked_batch mean_loss next_sentence_batch
        padded_rows pair_features pair_learner pair_model pair_tokenizer pair_trainer permutation_mask
        permuted_batch predict_pairs read_pairs relative_rows rnn_cell safe_precision small_deberta
        split_by_premise stem_table token_blocks train_steps train_tokenizer unigram_loss zero_shot'''.split(),
    'paddy': '''
        Paddy Schedule TwoHeads attention_map attention_weights broken_image check_submission compare_all
        convnext_block depthwise error_of features find_blocks fit layer_norm need_models paddy_learner
        patches plot_schedules pointwise probe_error push quiet read_paddy second_target self_attention
        split_by_class submit summed_loss write_submission'''.split(),
    'pages': '''
        Frame frame page picture'''.split(),
    'playground': '''
        ACTIVATIONS DATASETS FEATURES PlaygroundNet Points REGRESSION Run SETTINGS accuracy check_settings
        half_mse load_state make_data normals plot_neurons plot_points plot_surface plot_surfaces problem
        randoms sgd_step show split surfaces train'''.split(),
    'plots': '''
        COLOURS DASHES show_grid use_style'''.split(),
    'pretrained': '''
        image_body image_learner vision_model'''.split(),
    'ranking': '''
        evenness gini rank_all ranking_metrics'''.split(),
    'ratings': '''
        AXES Ratings draw_ratings read_ratings split_by_time split_leave_last split_random unseen
        write_movielens'''.split(),
    'resume': '''
        resumable resumable_range resuming'''.split(),
    'review': '''
        Exam GUIDE as_list exam number page_question quiz where'''.split(),
    'runtime': '''
        Config CourseError Device Lab SIZES coerce data_overrides host machine_mb online pairs probe_device
        seed_everything start whole_file write_whole'''.split(),
    'text_models': '''
        embed max_tokens text_model text_tokenizer token_lengths'''.split(),
    'training': '''
        Comparison HalfPrecision LRSweep LaunchError Measured PRECISIONS Resume SavedBytes Verdict
        WithinMemory accumulate compare distributed fitting_batch_size gpu_memory_advice half_precision
        is_out_of_memory judge launch lr_find mean_interval measure n_processes resumable resumable_range
        resuming untouched vanished within_memory'''.split(),
}

@pytest.mark.parametrize('module', NAMES)
def test_every_name_that_a_lab_imported_is_still_there(module):
    there = importlib.import_module(f'course_labs.{module}')
    assert [n for n in NAMES[module] if not hasattr(there, n)] == []

def test_nothing_in_the_project_imports_a_facade():
    "But the tests of notebooks handed out earlier"
    root = checkout()
    files = subprocess.run(['git', 'ls-files', 'course_labs', 'nbs', 'tests', 'benchmarks'], cwd=root, capture_output=True, text=True).stdout.split()
    own = {f'course_labs/{o}.py' for o in FACADES} | {'tests/core/test_facades.py'}
    texts = {f: (root/f).read_text() for f in files if f not in own and f.endswith(('.py', '.ipynb', '.md'))}
    lines = re.compile(rf"^\s*\"?from course_labs\.({'|'.join(FACADES)}) import", re.M)
    assert {f: m[0] for f,t in texts.items() if (m := lines.search(t)) and not f.startswith('tests/')} == {}

def test_a_facade_says_where_the_thing_lives_now():
    for old, places in FACADES.items():
        doc = importlib.import_module(f'course_labs.{old}').__doc__
        assert all(f'course_labs.{o}' in doc for o in places)
