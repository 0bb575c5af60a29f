"The page that a student gets can be sent as it is"
import pytest

from course_labs.marking.feedback import feedback, titles
from course_labs.marking.marks import make_course

from handed_in import TARGET, WRONG, mark, notebook, put, week6

def page(folder, **files):
    mark(put(folder/'in', {f'{k}.ipynb': v for k,v in files.items()}), folder/'out', week=6)
    return {p.name.split('-')[0]: p.read_text() for p in (folder/'out'/'feedback').glob('*.html')}

def test_it_has_titles_own_code_and_a_link(tmp_path):
    pages = page(tmp_path, Ada=week6(WRONG))
    assert titles()[TARGET]['title'] in pages['Ada'] and TARGET not in pages['Ada']
    assert 'def n_learnt(*args): return 1 &lt; 0' in pages['Ada']
    assert 'labs/week06_collab.html#your-turn-what-a-neural-recommender-learns-warm-up' in pages['Ada']

def test_it_has_no_notes_of_the_marker_and_no_words_of_codecs(tmp_path):
    pages = page(tmp_path, Ada=week6().replace("check('w6.n_learnt', n_learnt)", 'pass'), Bob='\ufeff{', Cem='{"a": 1}', Dia='')
    assert 'found by' not in pages['Ada'] and 'its check is gone' not in pages['Ada']
    for name in ('Bob', 'Cem'):
        assert 'cannot be read as a notebook' in pages[name]
        for word in ('codec', 'JSON', 'utf', 'Expecting'): assert word not in pages[name].split('</style>')[1], word
    assert 'is empty' in pages['Dia']

def test_an_answer_that_was_not_found_is_said_in_words_for_its_student(tmp_path):
    "Ada has the check of one exercise of six"
    body = page(tmp_path, Ada=week6())['Ada'].split('</style>')[1]
    assert 'No answer to this exercise was found in your notebook.' in body
    for words in ('check(', 'names a function', 'there is no', 'w6.'): assert words not in body, words

def test_hostile_code_stays_text(tmp_path):
    answer = 'def n_learnt(*args):\n    return "</code></pre><script>alert(1)</script>\u202e"'
    body = page(tmp_path, Ada=week6(answer))['Ada']
    assert '<script' not in body and '&lt;script&gt;' in body and '\u202e' not in body

def test_every_exercise_has_a_title_of_its_own():
    of, ids = titles(), [t.id for name,lab in make_course().labs.items() for t in make_course_tasks(lab)]
    assert ids and all(of[i]['title'] and of[i]['title'] != i for i in ids)
    assert len({of[i]['link'] for i in ids}) == len({*ids})

def make_course_tasks(lab):
    from course_labs.marking.answers import Task
    return [Task(**t) for t in lab['tasks']]
