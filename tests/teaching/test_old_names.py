"What notebooks in students' hands import of the teaching parts, under the names of before the library had packages"
import importlib

import pytest

OLD = {
    'bank': '''KINDS CLOSED WEEKS MINUTES_A_MARK lab_file Concept read_concepts concepts mathml to_html to_text value texts problem
               load as_weeks bank marks score key feedback rarest draw shuffled''',
    'review': 'GUIDE where number page_question as_list quiz Exam exam',
    'cards': 'RATINGS terms section_link Glossary flashcards Deck to_anki',
    'pages': 'safe_json page Frame plain frame picture',
    'exercises': '''EXERCISES RIGHT WRONG NOT_ATTEMPTED ERROR Wrong Exercise exercise week_of load_week get_exercise same Result mark
                    check hint''',
    'midterm': 'ABILITIES WEIGHTS study_guide needed concept_of read_answer show_question SelfTest essay_sheet',
}

@pytest.mark.parametrize('module', OLD)
def test_old_names(module):
    there = vars(importlib.import_module(f'course_labs.{module}'))
    assert [o for o in OLD[module].split() if o not in there] == []

def test_old_tables():
    from course_labs.bank import CLOSED, KINDS, WEEKS
    from course_labs.midterm import ABILITIES
    from course_labs.review import GUIDE
    assert list(WEEKS) == list(ABILITIES) and WEEKS[3] == 'Convolutional networks'
    assert set(GUIDE) == set(KINDS) - {'essay'} and KINDS[:5] == tuple(CLOSED)
