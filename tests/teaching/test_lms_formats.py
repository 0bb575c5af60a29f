"The whole bank in the formats of learning platforms, read back by parsers of others: texts, options, right answers, tolerance, feedback, mathematics"
import html, io, json, re, shutil, subprocess, zipfile
from pathlib import Path

import pytest

from conftest import one_line
from course_labs.cli import main
from course_labs.core.files import CourseError
from course_labs.teaching.arithmetic import number
from course_labs.teaching.exams import exam
from course_labs.teaching.kinds import KINDS, REGISTRY, Kind, register
from course_labs.teaching.lms.canvas import canvas
from course_labs.teaching.lms.export import FORMATS, left_without, paper_groups, write_questions
from course_labs.teaching.lms.gift import gift
from course_labs.teaching.lms.items import groups
from course_labs.teaching.lms.moodle import moodle
from course_labs.teaching.lms.qti21 import qti21
from course_labs.teaching.mathtext import mathml, to_text
from course_labs.teaching.questions import bank

SEED = 5
BANK = [o for group in groups(bank(), SEED) for o in group]
def of(*forms): return [o for o in BANK if o.form in forms]

def as_bank(text):
    "HTML as a text of the bank"
    text = re.sub(r'\\\((.*?)\\\)', r'$\1$', re.sub(r'</?code>', '`', text))
    return html.unescape(re.sub(r'</?p>', '', text))

def test_bank_has_every_kind():
    assert {q['kind'] for q in bank()} == set(KINDS)
    assert {o.form for o in BANK} == {'choice', 'number', 'match', 'order', 'text'}
    assert len({o.id for o in BANK}) == len(BANK) == len(bank())

def numeric(x): return float(x)

# ---- Moodle XML, options by moodle-xml-parser, which knows no other kind; the rest as an importer walks it

@pytest.fixture(scope='module')
def in_moodle(): return moodle([[o] for o in BANK], 'bank')

def test_moodle_options(in_moodle):
    parse = pytest.importorskip('moodle_xml_parser.parser', reason='moodle-xml-parser is not installed')
    got = {q.name: q for q in parse.parse_bytes(in_moodle)['multichoice']}
    assert list(got) == [o.id for o in of('choice')]
    for o in of('choice'):
        q = got[o.id]
        assert (as_bank(q.text_pre_parse), q.single, q.default_grade) == (html.unescape(o.text), not o.own['several'], o.marks)
        rows = [(as_bank(p.answer), p.score_fraction > 0, as_bank(p.feedback)) for p in q.options]
        assert rows == [(p['text'], p['right'], p['feedback']) for p in o.own['options']], o.id
        right = [p.score_fraction for p in q.options if p.score_fraction > 0]
        assert sum(right) == pytest.approx(100, abs=1e-3)

def read_moodle(data):
    "Each question that is none of options, by Moodle's own names of elements"
    from lxml import etree
    for q in etree.fromstring(data).iterfind('question'):
        if q.get('type') not in ('category', 'multichoice'): yield q.findtext('name/text'), q

def says(e, path): return as_bank(e.findtext(f'{path}/text') or '')

def test_moodle_other_kinds(in_moodle):
    pytest.importorskip('lxml')
    got = dict(read_moodle(in_moodle))
    assert sorted(got) == sorted(o.id for o in of('number', 'match', 'order', 'text'))
    for o in of('number', 'match', 'order', 'text'):
        q, own = got[o.id], o.own
        assert says(q, 'questiontext') == o.text and int(q.findtext('defaultgrade')) == o.marks
        if o.form == 'number':
            rows = [(a.findtext('text'), float(a.get('fraction')), says(a, 'feedback'), float(a.findtext('tolerance'))) for a in q.iterfind('answer')]
            t = own['tolerance']
            assert rows[-1] == ('*', 0, own['wrong'], 0)
            want = [(own['answer'], 100, own['right'], t)] + [(p['value'], 0, p['feedback'], t) for p in own['traps']]
            assert [(float(a), *rest) for a,*rest in rows[:-1]] == want, o.id
        if o.form == 'match':
            assert [(says(s, '.'), s.findtext('answer/text')) for s in q.iterfind('subquestion')] == [(p['left'], to_text(p['right'])) for p in own['rows']]
        if o.form == 'order': assert [as_bank(a.findtext('text')) for a in q.iterfind('answer')] == [p['text'] for p in own['rows']]
        for p in own.get('rows', []): assert p['feedback'] in says(q, 'generalfeedback'), o.id
        for line in sum(own.get('guide', {}).values(), []): assert line in says(q, 'graderinfo'), o.id

# ---- GIFT, by the grammar of gift-pegjs

@pytest.fixture(scope='module')
def gift_parser(tmp_path_factory):
    "A function from GIFT to what gift-pegjs reads; npm fetches it into a folder of its own"
    npm, node = shutil.which('npm'), shutil.which('node')
    if not (npm and node): pytest.skip('node and npm are not installed: gift-pegjs runs there')
    folder = tmp_path_factory.mktemp('gift')
    done = subprocess.run([npm, 'install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder, 'gift-pegjs@1.0.2'], capture_output=True, text=True, timeout=120)
    if done.returncode: pytest.skip(f'npm cannot fetch gift-pegjs: {(done.stderr.strip().splitlines() or ["no reason given"])[-1]}')
    run = 'const g = require("gift-pegjs"); console.log(JSON.stringify(g.parse(require("fs").readFileSync(0, "utf8"))))'
    def parse(text):
        done = subprocess.run([node, '-e', run], cwd=folder, input=text, capture_output=True, text=True, encoding='utf-8')
        assert not done.returncode, done.stderr[:2000]
        return [q for q in json.loads(done.stdout) if q['type'] != 'Category']
    return parse

def plain_gift(text): # the grammar leaves the placeholders of escaped signs in the right sides of pairs
    for code, sign in ((92, '\\'), (58, ':'), (35, '#'), (61, '='), (123, '{'), (125, '}'), (126, '~')): text = text.replace(f'&&{code:03};', sign)
    return text

def test_gift(gift_parser):
    got = {q['title']: q for q in gift_parser(gift([[o] for o in BANK], 'bank').decode())}
    assert list(got) == [o.id for o in BANK]
    for o in BANK:
        q, own = got[o.id], o.own
        assert (as_bank(q['stem']['text']), q['stem']['format'], q['id']) == (o.text, 'html', o.id)
        if o.form == 'choice':
            rows = [(as_bank(c['text']['text']), c['isCorrect'] or (c['weight'] or 0) > 0, as_bank(c['feedback']['text'])) for c in q['choices']]
            assert rows == [(p['text'], p['right'], p['feedback']) for p in own['options']], o.id
            if own['several']: assert sum(c['weight'] for c in q['choices'] if c['weight'] > 0) == pytest.approx(100, abs=1e-3)
        if o.form == 'number':
            *known, wrong = q['choices']
            rows = [(c['text']['number'], c['text']['range'], c['weight'] is None, as_bank(c['feedback']['text'])) for c in known]
            t = own['tolerance']
            assert rows == [(own['answer'], t, True, own['right'])] + [(p['value'], t, False, p['feedback']) for p in own['traps']], o.id
            assert (as_bank(wrong['feedback']['text']), wrong['isCorrect']) == (own['wrong'], False)
        if o.form == 'match':
            assert [(as_bank(p['subquestion']['text']), plain_gift(p['subanswer'])) for p in q['matchPairs']] == [(p['left'], to_text(p['right'])) for p in own['rows']]
        if o.form == 'order':
            assert [as_bank(p['subquestion']['text']) for p in sorted(q['matchPairs'], key=lambda p: int(p['subanswer']))] == [p['text'] for p in own['rows']]
        for said in [p['feedback'] for p in own.get('rows', [])] + sum(own.get('guide', {}).values(), []):
            assert said in as_bank(q['globalFeedback']['text']), o.id

# ---- QTI 2.1, by the reader of onyx2moodle, and by a converter to QTI 3 that has to understand every element

def fragments(text):
    "A text of the bank as runs of characters and, for each formula, its MathML without spaces of names"
    return ''.join(re.sub(r' xmlns="[^"]*"', '', mathml(o[1:-1])) if o.startswith('$') else f'<code>{html.escape(o[1:-1], quote=False)}</code>' if o.startswith('`')
                   else html.escape(o, quote=False) for o in re.split(r'(\$[^$]+\$|`[^`]+`)', text))

def same_markup(a, b): # entities and references are the same characters, and so are the two ways to write an empty element
    def plain(t): return re.sub(r'<(\w+)([^>]*)/>', r'<\1\2></\1>', html.unescape(t))
    return plain(a) == plain(b)

@pytest.fixture(scope='module')
def qti_items(tmp_path_factory):
    reader = pytest.importorskip('onyx2moodle.parser', reason='onyx2moodle is not installed')
    folder = tmp_path_factory.mktemp('qti')
    with zipfile.ZipFile(io.BytesIO(qti21([[o] for o in BANK], 'bank'))) as z: z.extractall(folder)
    return {o.id: reader.parse_item(folder/f'{o.id}.xml') for o in BANK}

def test_qti21_reads_back(qti_items):
    for o in BANK:
        q, own = qti_items[o.id], o.own
        seen, asked, said = next(iter(q.interactions), None), q.response_decls['RESPONSE'], {f.identifier: f.html for f in q.feedback}
        body = next(p for p in q.body_xml if p.tag.endswith('}p'))
        from onyx2moodle.parser import _serialise_children as inner
        assert same_markup(inner(body), fragments(o.text)), o.id
        def told(names, texts): assert all(same_markup(said[k], fragments(v)) for k,v in zip(names, texts, strict=True)), o.id
        if o.form == 'choice':
            assert seen.max_choices == (0 if own['several'] else 1)
            names = [c.identifier for c in seen.choices]
            assert all(same_markup(c.html, fragments(p['text'])) for c,p in zip(seen.choices, own['options'], strict=True)), o.id
            assert asked.correct_values == [k for k,p in zip(names, own['options']) if p['right']]
            told(names, [p['feedback'] for p in own['options']])
        if o.form == 'number':
            assert (seen.kind, asked.base_type, [float(v) for v in asked.correct_values]) == ('textEntry', 'float', [own['answer']])
            told(['right', 'wrong', *(f'trap{i}' for i in range(1, len(own['traps']) + 1))], [own['right'], own['wrong'], *(p['feedback'] for p in own['traps'])])
        if o.form == 'match':
            lefts, rights = ({c.identifier: c.html for c in s} for s in (seen.match_sources, seen.match_targets))
            pairs = [v.split() for v in asked.correct_values]
            assert all(same_markup(lefts[a], fragments(p['left'])) and same_markup(rights[b], fragments(p['right'])) for (a,b),p in zip(pairs, own['rows'], strict=True)), o.id
            told([f'p{i}' for i in range(1, len(pairs) + 1)], [p['feedback'] for p in own['rows']])
        if o.form == 'text': assert seen.kind == 'extendedText'
        if o.form == 'order':
            assert (asked.cardinality, asked.correct_values) == ('ordered', [f'i{i}' for i in range(1, len(own['rows']) + 1)])
            told(asked.correct_values, [p['feedback'] for p in own['rows']])

def test_qti21_package_becomes_qti3():
    convert = pytest.importorskip('qti_convert', reason='citolab-qti-convert is not installed')
    from lxml import etree
    with zipfile.ZipFile(io.BytesIO(qti21([[o] for o in BANK], 'bank'))) as z: files = {n: z.read(n).decode() for n in z.namelist()}
    manifest = etree.fromstring(convert.convert_manifest_to_qti3(files['imsmanifest.xml']).encode())
    assert {e.get('href') for e in manifest.iter('{*}resource')} == set(files) - {'imsmanifest.xml'}
    for o in BANK:
        root = etree.fromstring(convert.upgrade_item(files[f'{o.id}.xml']).encode())
        assert root.tag.endswith('}qti-assessment-item') and root.get('identifier') == o.id
        if o.form == 'number':
            near = [(float(e.findtext('{*}qti-base-value')), e.get('tolerance-mode'), [float(v) for v in e.get('tolerance').split()]) for e in root.iter('{*}qti-equal')]
            t = o.own['tolerance']
            assert near == [(x, 'absolute', [t, t]) for x in (o.own['answer'], *(p['value'] for p in o.own['traps']))], o.id
        if o.form == 'order':
            rows = {e.get('identifier'): ''.join(e.itertext()) for e in root.iter('{*}qti-simple-choice')}
            right = [e.text for e in root.iterfind('{*}qti-response-declaration/{*}qti-correct-response/{*}qti-value')]
            shown = root.find('.//{*}qti-order-interaction')
            assert [rows[k] for k in right] == [p['text'].replace('`', '') for p in o.own['rows']] and list(rows) != right, o.id
            assert len(shown) == len(right)
        if o.form == 'text':
            guide = ' '.join(''.join(e.itertext()) for e in root.iterfind('.//{*}qti-rubric-block//{*}li'))
            assert root.find('.//{*}qti-rubric-block').get('view') == 'scorer'
            for line in sum(o.own['guide'].values(), []):
                if not re.search(r'[$`]', line): assert line in guide, o.id

# ---- QTI 1.2 as Canvas has it: texts by qti2latex, answers by what Canvas's importer looks at

def test_canvas(tmp_path):
    read = pytest.importorskip('qti2latex', reason='qti2latex is not installed')
    from lxml import etree
    (tmp_path/'q.zip').write_bytes(canvas([[o] for o in BANK], 'bank'))
    folder = read.extract_zip_to_tmp(tmp_path/'q.zip')
    try: items = {e.get('ident'): e for p in read.read_qti_dir(Path(folder)) for e in etree.parse(p).iter('{*}item')}
    finally: shutil.rmtree(folder)
    assert list(items) == [o.id for o in BANK]
    kinds = dict(number='numerical_question', match='matching_question', order='matching_question', text='essay_question')
    for o in BANK:
        e, own = items[o.id], o.own
        meta = read.get_qti_metadata(e)
        several = own.get('several')
        assert read.guess_type(meta, e) == kinds.get(o.form, 'multiple_answers_question' if several else 'multiple_choice_question')
        assert (as_bank(read.get_item_stem(e)), int(meta['points_possible'])) == (o.text, o.marks)
        said = {f.get('ident'): as_bank(f.find('.//{*}mattext').text) for f in e.iter('{*}itemfeedback')}
        rules = list(e.iter('{*}respcondition'))
        def told(rule): return [said[d.get('linkrefid')] for d in rule.iterfind('{*}displayfeedback')]
        scored = [r for r in rules if r.find('{*}setvar') is not None]
        if o.form == 'choice':
            choices = read.get_choices(e)
            assert [as_bank(t) for _,t in choices] == [p['text'] for p in own['options']]
            right = [v.text for v in scored[0].iter('{*}varequal') if not v.getparent().tag.endswith('}not')]
            assert right == [k for (k,_),p in zip(choices, own['options']) if p['right']] and len(scored) == 1
            for (k,_),p in zip(choices, own['options']):
                assert [told(r) for r in rules if r not in scored and r.find('.//{*}varequal').text == k] == [[p['feedback']]], o.id
        if o.form == 'number':
            low, high = (float(scored[0].find(f'.//{{*}}{tag}').text) for tag in ('vargte', 'varlte'))
            assert float(scored[0].find('.//{*}varequal').text) == own['answer'] and told(scored[0]) == [own['right']]
            assert (low, high) == pytest.approx((own['answer'] - own['tolerance'], own['answer'] + own['tolerance']), rel=1e-12)
            assert len(list(e.iter('{*}vargte'))) == 1 # Canvas takes every condition with numbers for a right answer
            for p in own['traps']: assert f"{number(p['value'])}: {p['feedback']}" in said['general_incorrect_fb'], o.id
            assert own['wrong'] in said['general_incorrect_fb']
        if o.form in ('match', 'order'):
            rows = {r.get('ident'): r for r in e.iter('{*}response_lid')}
            menu = {lab.get('ident'): lab.find('.//{*}mattext').text for lab in next(iter(rows.values())).iter('{*}response_label')}
            pairs = [(as_bank(rows[v.get('respident')].find('.//{*}mattext').text), menu[v.text], said[f"{v.get('respident')}_fb"])
                     for r in scored for v in r.iter('{*}varequal')]
            if o.form == 'match': assert pairs == [(p['left'], to_text(p['right']), p['feedback']) for p in own['rows']]
            else: assert pairs == [(p['text'], str(i), p['feedback']) for i,p in enumerate(own['rows'], 1)]
            assert sum(float(r.findtext('{*}setvar')) for r in scored) == pytest.approx(100, abs=0.05)
        if o.form == 'text':
            for line in sum(own['guide'].values(), []): assert line in said['general_fb'], o.id

# ---- a file, and what is no question

def test_same_seed_same_bytes(tmp_path):
    for to in FORMATS:
        def data(name, **kw): return write_questions(to, [2], out=tmp_path/name, **kw)[0].read_bytes()
        assert data('a', seed=4, variants=2) == data('b', seed=4, variants=2) != data('c', seed=5, variants=2), to

@pytest.mark.parametrize('paper', ['7', '7.2'])
def test_paper_is_the_one_that_is_printed(paper):
    seed, _, variant = paper.partition('.')
    printed = exam(seed=int(seed), variant=int(variant or 0))
    items = [o for (o,) in paper_groups(paper)]
    assert [o.text for o in items] == [q['text'] + (f" (Answer in {q['unit']}.)" if q.get('unit') else '') for q in printed.questions + printed.essays]
    assert [o.own['answer'] for o in items if o.form == 'number'] == [q['answer'] for q in printed.questions if q['kind'] == 'numeric']

def test_rows_stand_as_on_paper():
    for o,q in zip((o for (o,) in paper_groups('7')), (p := exam(seed=7)).questions + p.essays):
        if o.form == 'choice':
            rows = [q['options'][k]['text'] for k in REGISTRY[q['kind']](q).order(p.number)]
            assert [p['text'] for p in o.own['options']] == rows

@pytest.mark.parametrize('to', FORMATS)
def test_unknown_form_is_named(to):
    @register
    class Drawing(Kind):
        name, fields = 'drawing', dict(lines={})
        marks = 1
    try: strange = groups([dict(id='w1.q99', kind='drawing', week=1, text='Draw.', lines=[])])
    finally: del REGISTRY['drawing']
    with pytest.raises(CourseError) as e: left_without(to, strange)
    one_line(e, to, 'drawing', 'w1.q99')

@pytest.mark.parametrize('argv,word', [(['--week', '99'], '99'), (['--paper', 'seven'], "'seven' is no paper"), (['--paper', '7', '--seed', '2'], 'own numbers'),
                                       (['--out', '{folder}'], 'cannot be written'), (['--out', '{file}/x'], 'cannot be written'), (['--paper', '7', '--minutes', '5'], 'minutes')])
def test_bad_input_is_one_line_and_leaves_nothing(argv, word, tmp_path, monkeypatch, capsys):
    folder, file = tmp_path/'folder', tmp_path/'file'
    folder.mkdir()
    (folder/'mine').write_text('mine', encoding='utf-8')
    file.write_text('mine', encoding='utf-8')
    monkeypatch.chdir(tmp_path)
    assert main(['questions', '--to', 'moodle', *(o.format(folder=folder, file=file) for o in argv)]) == 1
    err = capsys.readouterr().err
    assert word in err and err.count('\n') == 1 and err.startswith('course-labs questions: ')
    assert sorted(p.name for p in tmp_path.rglob('*')) == ['file', 'folder', 'mine']

def test_command_says_what_the_format_lacks(tmp_path, capsys):
    assert main(['questions', '--to', 'gift', '--week', '3', '--out', str(tmp_path/'q.gift')]) == 0
    out = capsys.readouterr().out
    lacking = [o for o in groups(bank(3)) if o[0].form in ('order', 'match', 'text')]
    assert lacking and all(o[0].id in out for o in lacking) and f'{len(bank(3))} questions are in' in out
