"""Danger is heard however it is typed; talk of what happened in the past is not mistaken for it."""

import re
from itertools import chain

import pytest

from flows.understanding.crisis import (
    Danger,
    _normalizer,
    _signs_of,
    detect_danger,
    detect_pressure,
)

IMMEDIATE = """
He is outside my house right now
hes outside
he is coming up the stairs
hes got a knife
There is someone in my house
I can hear him downstairs
someone is trying to break in
he's banging on the door
help me please he is here
Please call the police
i am hiding in the bathroom
locked myself in the bathroom he is going mad
he is going to kill me
my ex says he will kill me tonight
they are coming for me
I think he's going to hurt me tonight
he is hitting my mum right now
hes strangling me
I'm bleeding and he won't stop
i have a knife here
I am in danger
we are not safe here
he has found out where i live and he is on his way
someone is following me
My husband come with knife
please i need help police now
he want kill me
they have guns outside
she is trying to stab me
he just punched me in the face
there's a man at my window
he is trying to kick the door in
i cant talk he is in the next room
I fear for my life
he's chasing me
i'm going to kill him tonight
he says i am dead if i tell anyone
send an ambulance
he has his hands around my neck
my boyfriend is smashing up the house
He will be back any minute and he will hurt me
my stalker is here
dont let him in
"""

SUICIDAL = """
I want to die
i wanna die
I am going to kill myself
i want to end it all
I can't go on
cant do this anymore
they would be better off without me
nobody would miss me
there is no point in living
took all my tablets
I have taken an overdose
goodbye everyone
I wrote a suicide note
i keep thinking about suicide
i feel suicidal
I don't want to be here anymore
i dont want to wake up
wish i was dead
i wish i had never been born
life isnt worth living
I have nothing left to live for
I am standing on the bridge
i am going to jump off the roof
I've been cutting myself again
i am so tired of living
I hate being alive
i just want the pain to stop
i no want live
thinking to finish my life
i have pills in my hand
how many pills does it take
I won't be here tomorrow
tell my kids i love them
my son says he wants to kill himself
kms
i want to go to sleep and never wake up
I should be dead
what is the point of living
i am a burden to everyone
I cannot cope any more
im done with life
i will hang myself
I want to be dead
everyone would be happier if i was gone
"""

CHILD = """
he is hurting my daughter
my stepdad touches my sister
my uncle makes me do things
my dad hits me
he's going to hurt my kids
My ex is beating our son
my mum's boyfriend comes into my room at night
my daughter says he touches her
my son has bruises all over his back
He told me not to tell anyone
it's our little secret he says
im 14 and my stepdad hurts me
i am scared of my dad
my parents dont feed me
they lock me in my room
a man online wants me to send nudes
my teacher keeps touching me
he has taken my baby and won't give her back
my kids are not safe with him
I think the child next door is being abused
i can hear a child screaming next door
the kids are alone in the house with him
she leaves the baby alone all night
I might hurt my baby
he hits me in front of the kids
they make my son sell drugs
my niece is being groomed
they are taking my sister abroad to be cut
my grandad touched me down there
my step dad is hitting my little brother
he threatened to take my kids
my daughter is afraid to go to her dads
child abuse is happening next door
my mum beats us with a belt
He watches my daughter in the shower
someone needs to help those kids
i ran away because my dad beats me
the baby is covered in bruises
my cousin rapes me
my brother keeps raping my little sister
"""

DOMESTIC = """
he hits me
my husband beats me
He checks my phone
he wont let me leave
she locked me in
I'm scared to go home
my partner is violent
he controls all my money
I am not allowed to see my family
My boyfriend punched me
he keeps threatening me
my husband strangled me last night
my ex keeps turning up at my work
I live in fear of him
walking on eggshells
he makes me have sex with him
my husband forces me to have sex
he reads all my messages
if he finds out i am talking to you he will go mad
I need to get away from my husband
where can i find a refuge
my family are forcing me to marry
he took my passport
i am being abused at home
my wife hits me
my son steals from me and pushes me
husband beat me everyday
he no let me go outside
I afraid of my husband
I'm scared of what he will do
he hurts me when he is drunk
i dont feel safe at home
He follows me everywhere
he says nobody will believe me
I have bruises he gave me
delete this before he sees
he'll be home soon
i feel like a prisoner in my own home
she controls everything i do
he is stalking me
I'm in an abusive relationship
"""

PRESSURE = """
They are forcing me to take part
I don't want to do this but my mum says I have to
my husband told me I must meet him
I feel pressured to say yes
i have no choice
the officer said I had to do it
I'm only doing this because my dad wants me to
he made me sign this
They keep asking me to meet him and I said no
I was told I have to take part
he is sitting next to me telling me what to write
my family want me to forgive him
my social worker is making me do this
this was not my idea
if I say no he will be angry
they signed me up without asking me
I can't say no
he offered me money to take part
I am being made to do this
it is against my will
My solicitor says I have to or I will get a longer sentence
his brother said i had better say yes
I am too scared to say no
they won't take no for an answer
probation is making me do it
I feel like i have to do this for my family
my partner is pushing me into it
"""

SAFE = """
Hello
yes
no
skip
help
Sam Okafor
ME15 6XX
07700 900123
sam@example.org
My name is Will Kill
46/12345/19
12 March 2019
I was raped in 2015
I was raped by my ex husband ten years ago
I was assaulted on my way home from work
My brother was murdered in 2018
He stabbed my son and was sent to prison
A man attacked me with a knife in the street
two lads robbed me at knifepoint last year
someone broke into my house while we were on holiday
our house was burgled and they took my mum's ring
he threatened to kill me during the robbery
My ex used to hit me before I left
my husband used to beat me when we were together
he was arrested and charged with assault
He was convicted of domestic abuse and is in prison
I was abused as a child
my stepdad abused me when I was a child, years ago
he punched me outside a pub last summer
they smashed my car window
my shop window was smashed by some boys
someone stole my bike
he shouted racist things at me on the bus
I was mugged
my neighbour's dog bit me
they set fire to my car in 2020
she stole money from my mum
a drunk driver killed my husband
My daughter died in a crash
my son was beaten up at school last year
I was stabbed in the leg in 2016
he hit me with a bottle in a nightclub and got six months
the person who hurt me is called Lee
He broke my jaw
i was scared at the time
I am still upset about what happened
I feel sad and angry
I have trouble sleeping since the burglary
I am nervous about meeting him
I am scared of meeting him
will I be safe at the meeting
will he know where I live
does he have to say sorry
can I bring my mum
can someone help me fill in the form
can you help me
please help me with this question
help me understand
what is restorative justice
how long does it take
do I have to meet him
can they force me to take part
is it my choice
what if he hits me at the meeting
is it safe
do you work with children
is it for domestic abuse cases
can I do this if I was a victim of rape
do you help people who feel like this after a murder
who will see my answers
can I stop at any time
will the police be told
did you call the police
I called the police at the time
do I need the police reference
the officer was very kind
my feet are killing me
I nearly died laughing
i was dying of embarrassment
my mum will kill me if I am late
the wait is killing me
I'm dying to know what he says
killing time before work
it was a shot in the dark
that film about suicide was sad
I work for a suicide prevention charity
I am a social worker
PC Harm
I live on Gun Lane
Battle Road, Hythe
Bridge Street, Canterbury
my name is Jay Slaughter
Mr Hitt
I want to ask him why
I want to tell him how it felt
I want him to know what he did to us
I want to move on
I want to write a letter
I would like to meet the person
I don't want to meet him
I don't want to carry on with this form
can't do it today, I am at work
I can't go on Tuesday
I want to end this chat
how do I delete my answers
stop
I don't know
not sure
can I come back later
my phone is broken
please ring me after five
do not call me at work
email is best
text me
my husband can answer the phone
my partner is here to support me
my daughter is 12
my son was the victim
He is 15 and he is sorry
the boy who did it was 14
they kept throwing stones at my window last summer
graffiti on my wall
he spat at me in the shop
anti social behaviour
he nicked my phone
they called me names
I was followed home in 2017
my dad was hit by a car
I got help from Victim Support
I used to feel like that, not any more
it made me feel unsafe
I had nightmares for months
my kids were scared when it happened
I just want it to stop happening to other people
he said sorry in court
he is in prison
he is out of prison
he lives near me
we went to school together
the case is finished
it was a long time ago
lol that killed me
good morning
thank you
bye
see you tomorrow
Kent Police gave me your number
no thanks, I would rather write
my mum is coming with me
they are coming to the meeting
My therapist said this might help
she takes her tablets with food
we had a fight about money in 2012
I do not want to see his face again
he hurt my feelings
he hit me
they killed my cat
I thought I was going to die
I was so frightened I locked myself in the bathroom
he came into my house with a knife and tied me up
he told me he would kill me if I told anyone, I was ten
I cannot sleep and I feel hopeless about the court case
my son took his own life after the attack
my daughter was groomed when she was 13
he followed me home and attacked me
they kicked my door in and stole my laptop
my neighbour keeps playing loud music
a gang of boys keeps smashing the bus stop
I was told to call this number
the police officer told me to fill this in
my mum said I should try this
I was made to feel small
she told me to write a letter
he has to say sorry or I will not come
I feel nobody cares what happened to me
it hurts me to think about it
what happens if he says no
is the meeting in a safe place
I want to help young people stop carrying knives
"""


def _lines(texts: str) -> list[str]:
    return texts.strip().splitlines()


DANGERS = {
    Danger.IMMEDIATE_DANGER: IMMEDIATE,
    Danger.SUICIDAL: SUICIDAL,
    Danger.CHILD_AT_RISK: CHILD,
    Danger.DOMESTIC_ABUSE_NOW: DOMESTIC,
}


@pytest.mark.parametrize(
    ("text", "kind"), [(text, kind) for kind, texts in DANGERS.items() for text in _lines(texts)]
)
def test_danger_is_detected_and_named(text: str, kind: Danger) -> None:
    assert detect_danger(text) is kind


@pytest.mark.parametrize("text", _lines(SAFE))
def test_past_crime_names_and_questions_are_not_danger(text: str) -> None:
    assert detect_danger(text) is None
    assert not detect_pressure(text)


@pytest.mark.parametrize("text", _lines(PRESSURE))
def test_pressure_to_take_part_is_detected(text: str) -> None:
    assert detect_pressure(text)


@pytest.mark.parametrize(
    "text",
    [
        "k.i.l.l myself",
        "k i l l   m y s e l f",
        "i w a n t t o d i e",
        "k-i-l-l my_self",
        "ki\u200bll my\u200dself",
        "ki\u00adll myself",
        "k\u0456ll mys\u0435lf",
        "k\u0336i\u0336l\u0336l\u0336 myself",
        "\uff4b\uff49\uff4c\uff4c myself",
        "\U0001d424\U0001d422\U0001d425\U0001d425 myself",
        "k1ll mys3lf",
        "KILL MYSELF",
        "killlll myyyself",
        "killmyself",
        "kill\nmyself",
        "su1c1dal",
        "sui.cid.al",
        "i\u3164want\u2800to\u3000die",
        "\u202ei want to die",
        "i want to... die",
    ],
)
def test_disguised_words_are_detected(text: str) -> None:
    assert detect_danger(text) is Danger.SUICIDAL


def test_the_most_pressing_danger_is_named() -> None:
    assert detect_danger("I want to die. He is outside with a knife.") is Danger.IMMEDIATE_DANGER
    assert detect_danger("my dad hits me and I want to die") is Danger.SUICIDAL
    assert detect_danger("he hits me. he hurts my kids too.") is Danger.CHILD_AT_RISK


def test_past_and_present_in_one_breath_is_present() -> None:
    assert detect_danger("He raped me years ago and now he is outside my house")
    assert detect_danger("It happened in 2015 but he still hits me")


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "k.",
        "he ",
        "i want ",
        "\u0301",
        "\u200b",
        "\ufdfa",
        "\ud800",
        "\x00",
        "\n",
        "....",
        "- ",
        "a-",
        "zq",
        "he will going to threatening to ",
        "kill",
        "xkillmyselfx ",
        "1",
        "1a",
        "\U0001f525",
        "my kids are the the the ",
        "{",
        "\\",
        "i i i i want want to to ",
        "him him him him he is is trying to kick the the the the ",
        "qwertyuiopas ",
    ],
)
def test_hostile_text_never_raises_and_little_of_it_is_read(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    detect_danger(text)
    detect_pressure(text)
    assert sum(map(len, _normalizer().sentences(text))) < 80_000


def test_every_pattern_takes_few_steps_at_each_word() -> None:
    for kind in (*Danger, "pressure"):
        signs = _signs_of(kind)
        lists = (*signs.phrases.values(), *signs.now.values(), *signs.not_when.values())
        for phrase in {*signs.figures, *chain.from_iterable(lists)}:
            assert not re.search(r"(?<!\\)[*+]", phrase.pattern.replace(r"\w+){0,3}", ""))
            assert phrase.pattern.count("{0,3}") <= 3


def test_danger_at_either_end_of_a_long_text_is_detected() -> None:
    filler = "it was a long day. " * 5_000
    assert detect_danger(f"{filler} i want to die") is Danger.SUICIDAL
    assert detect_danger(f"i want to die. {filler}") is Danger.SUICIDAL


@pytest.mark.parametrize("text", ["", " ", ".", "\n\n", "\ud800", "?!?!", "1234"])
def test_next_to_nothing_is_not_danger(text: str) -> None:
    assert detect_danger(text) is None
    assert not detect_pressure(text)
