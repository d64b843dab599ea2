"""Labels, groups of them that a recording's own label speaks of, and which recordings may be trained on."""
import csv
import json
import os
import re
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
BEFORE = os.path.join(HERE, '../../ast-esc50')  # the model that training begins with
sys.path.insert(1, os.path.join(BEFORE, 'recipe'))

ONTOLOGY = json.load(open(os.path.join(HERE, '../../../../src/AstStream.Model/Checkpoints/audioset.json')))['parents']
AUDIOSET = list(ONTOLOGY)
OWN = ['Drinking, sipping', 'Mouse click', 'Can opening', 'Washing machine']  # what AudioSet lacks of ESC-50
LABELS = AUDIOSET + OWN
INDEX = {name: i for i, name in enumerate(LABELS)}
CLASSES = list(json.load(open(os.path.join(BEFORE, 'config.json')))['id2label'].values())  # ESC-50's fifty
VIEW = json.load(open(os.path.join(HERE, '../views.json')))['esc50']

URBANSOUND8K = {
    'air_conditioner': ['Air conditioning', 'Mechanical fan'],
    'car_horn': ['Vehicle horn, car horn, honking', 'Toot', 'Air horn, truck horn'],
    'children_playing': ['Children playing', 'Children shouting', 'Child speech, kid speaking'],
    'dog_bark': ['Bark', 'Dog', 'Bow-wow', 'Yip'],
    'drilling': ['Drill', 'Power tool'],
    'engine_idling': ['Idling', 'Medium engine (mid frequency)', 'Engine'],
    'gun_shot': ['Gunshot, gunfire', 'Machine gun', 'Fusillade', 'Cap gun'],
    'jackhammer': ['Jackhammer'],
    'siren': ['Siren', 'Ambulance (siren)', 'Police car (siren)', 'Fire engine, fire truck (siren)', 'Civil defense siren'],
    'street_music': ['Music', 'Musical instrument', 'Singing'],
}
SAME = {'dog_bark': 'esc:dog', 'siren': 'esc:siren', 'car_horn': 'esc:car_horn', 'engine_idling': 'esc:engine'}  # as ESC-50 has it
OTHER = '''
Microwave oven/Cutlery, silverware/Frying (food)|Sizzle/Boiling/Drawer open or close/Cupboard open or close/Chopping (food)/Dishes,
pots, and pans/Water tap, faucet/Blender/Chewing, mastication/Mechanical fan/Drill/Hammer/Hair dryer/Bicycle bell/Lawn mower/Coin
(dropping)/Crumpling, crinkling/Electric shaver, electric razor/Roar|Roaring cats (lions, tigers)/Bird/Throat clearing/Slam|Door/Keys
jangling/Telephone|Telephone bell ringing/Speech/Alarm/Baby laughter/Music|Musical instrument/Owl|Hoot/Horse|Clip-clop/Purr
'''
OTHER = ' '.join(OTHER.split()).split('/')

# (name, labels): a group's logit is the mean of its labels'.
GROUPS = [('esc:' + c, VIEW[c]) for c in CLASSES] + [('us:' + c, n) for c, n in URBANSOUND8K.items()] + [(o, o.split('|')) for o in OTHER]
GROUP = {name: i for i, (name, _) in enumerate(GROUPS)}


def matrix(groups):
    """[groups, labels]: what makes a group's logit of the labels'."""
    m = np.zeros((len(groups), len(LABELS)), np.float32)
    for i, names in enumerate(groups):
        for n in names:
            m[i, INDEX[n]] = 1 / len(names)
    return m


def pairs(text):
    return dict(line.split('=') for line in ' '.join(text.split()).split('; '))


KITCHEN20 = pairs(
    '''microwave=Microwave oven; cutlery=Cutlery, silverware; frying-pan=Frying (food)|Sizzle; boiling-water=Boiling;
    drawer=Drawer open or close; cupboard=Cupboard open or close; chopping=Chopping (food); plates=Dishes, pots, and pans;
    clean-dishes=Dishes, pots, and pans; water-flowing=Water tap, faucet; blender=Blender; eat=Chewing, mastication;
    stove-fan=Mechanical fan'''
)
UIOWA = pairs(
    '''Drill=Drill; GlassSmash=esc:glass_breaking; HammerMetal=Hammer; HammerNail=Hammer; Blender=Blender; HairDryer=Hair dryer;
    Vacuum=esc:vacuum_cleaner; BicycleBell=Bicycle bell; Chainsaw=esc:chainsaw; Lawnmower=Lawn mower; CoinDrop=Coin (dropping);
    SawingWood=esc:hand_saw; BoilingKettle=Boiling; ClankingDishes=Dishes, pots, and pans; CrumplingPaper=Crumpling, crinkling;
    ElectricShaver=Electric shaver, electric razor'''
)
SASED = pairs(
    '''clearthroat=Throat clearing; cough=esc:coughing; doorslam=Slam|Door; drawer=Drawer open or close; keyboard=esc:keyboard_typing;
    keysDrop=Keys jangling; knock=esc:door_wood_knock; laughter=esc:laughing; phone=Telephone|Telephone bell ringing; speech=Speech'''
)
SHARWIN24 = pairs(
    '''alarm=Alarm; clap=esc:clapping; clapping=esc:clapping; cough=esc:coughing; knock=esc:door_wood_knock; knocking=esc:door_wood_knock;
    laugh=esc:laughing'''
)
MOODIST = pairs(
    '''animals/cat-purring=Purr; animals/cows=esc:cow; animals/crickets=esc:crickets; animals/crows=esc:crow; animals/dog-barking=esc:dog;
    animals/frog=esc:frog; animals/horse-gallop=Horse|Clip-clop; animals/owl=Owl|Hoot; animals/sheep=esc:sheep;
    animals/birds=esc:chirping_birds'''
)
ANIMALS = pairs('cow=esc:cow; frog=esc:frog; hen=esc:hen; bird=Bird; lion=Roar|Roaring cats (lions, tigers)')
GAMES = 'widelands-data', 'supertux-data', 'warmux-data', 'colobot-common-sounds'


def group_of(row):
    """The group that a recording of the index is of, or None, and whether it surely has nothing of another of ESC-50's classes."""
    source, label = row['source'], re.sub(r';fold=.*', '', row['label'])
    if source in ('esc50', 'DroneAudioDataset/esc50'):
        return 'esc:' + label, True
    if source == 'UrbanSound8K':
        return SAME.get(label, 'us:' + label), label in ('dog_bark', 'jackhammer', 'gun_shot')
    if source == 'kitchen20':
        return KITCHEN20.get(label), label in ('microwave', 'drawer', 'cupboard', 'blender', 'frying-pan')
    if source in ('jt-uiowa', 'SASED'):
        known = UIOWA if source == 'jt-uiowa' else SASED
        return known.get(label), label in known
    if source == 'Sharwin24':
        return SHARWIN24.get(label), label != 'alarm'
    if source == 'moodist':
        return MOODIST.get(label), False
    if source == 'Animal-Sound-Dataset':
        return ANIMALS.get(label), label in ('cow', 'lion', 'donkey', 'monkey')
    if source == 'Snoring-Detection':
        return ('Speech' if label.startswith('speech') else 'esc:snoring'), True
    if source == 'baby_cry_detection':
        known = 'esc:' + label if 'esc:' + label in GROUP else 'Baby laughter' if label == 'baby_laugh' else None
        return known, label not in ('silence', 'baby_laugh')
    if source == 'donateacry-corpus':
        return 'esc:crying_baby', True
    if source in ('virufy-data', 'COVID-19-train-audio'):
        return 'esc:coughing', True
    if source == 'Drone-detection-dataset':
        return ('esc:helicopter' if label == 'helicopter' else None), label == 'helicopter'
    if source in ('free-spoken-digit', 'asterisk', 'espeak-ng'):
        return 'Speech', True
    if source == 'philharmonia-samples':
        return 'Music|Musical instrument', True
    if source in GAMES and re.search(r'music|theme|forest|antarctic|castle|ingame', row['path'].lower()):
        return 'Music|Musical instrument', False
    return None, False


# Origins of five kept-out recordings that the index has from elsewhere only, found by correlation (0.50 to 0.75).
ALSO_HELD = {'fs:110613', 'fs:237795', 'fs:58846', 'fs:67033', 'fs:9886'}


def table(path):
    return list(csv.DictReader(open(path, newline=''), delimiter='\t'))


def stem(path):
    return os.path.splitext(os.path.basename(path))[0]


def held():
    """The names of the recordings that tell how well it goes: those of the model before."""
    return {line.strip() for line in open(os.path.join(BEFORE, 'recipe/validation.txt'))}


def recordings(folder):
    """The rows of sounds.py's index that may be trained on: none of an origin that is held out, none of ESC-50's fold 5."""
    index = table(os.path.join(folder, 'index.tsv'))
    names = held()
    origins = {r['group'] for r in index if stem(r['path']) in names and r['source'] == 'esc50'} | ALSO_HELD
    origins |= {r['group'] for r in index if ';fold=5' in r['label'] and r['source'] != 'UrbanSound8K'}
    return [r for r in index if r['group'] not in origins and stem(r['path']) not in names]


def validation(esc50):
    """[(samples at 16 kHz, class)] of the recordings held out, of a folder of ESC-50's layout."""
    import soundfile

    names = held()
    rows = list(csv.DictReader(open(os.path.join(esc50, 'meta/esc50.csv'), newline='')))
    return [
        (soundfile.read(os.path.join(esc50, 'audio', r['filename']), dtype='float32')[0], CLASSES.index(r['category']))
        for r in rows
        if stem(r['filename']) in names
    ]
