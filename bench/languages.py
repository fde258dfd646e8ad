"""Sentences of the languages that ranked text is checked in: the first
articles of the Universal Declaration of Human Rights (public domain). Made-up
documents are put together from their words."""

import random

SENTENCES = {
    "english": """All human beings are born free and equal in dignity and rights. They are endowed with reason and
conscience and should act towards one another in a spirit of brotherhood. Everyone is entitled to all the rights and
freedoms set forth in this Declaration, without distinction of any kind, such as race, colour, sex, language, religion,
political or other opinion, national or social origin, property, birth or other status. Everyone has the right to life,
liberty and security of person. No one shall be held in slavery or servitude; slavery and the slave trade shall be
prohibited in all their forms. No one shall be subjected to torture or to cruel, inhuman or degrading treatment.""",
    "french": """Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de
conscience et doivent agir les uns envers les autres dans un esprit de fraternité. Chacun peut se prévaloir de tous les
droits et de toutes les libertés proclamés dans la présente Déclaration, sans distinction aucune, notamment de race, de
couleur, de sexe, de langue, de religion, d'opinion politique ou de toute autre opinion, d'origine nationale ou sociale,
de fortune, de naissance ou de toute autre situation. Tout individu a droit à la vie, à la liberté et à la sûreté de sa
personne. Nul ne sera tenu en esclavage ni en servitude; l'esclavage et la traite des esclaves sont interdits.""",
    "german": """Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt
und sollen einander im Geist der Brüderlichkeit begegnen. Jeder hat Anspruch auf die in dieser Erklärung verkündeten
Rechte und Freiheiten ohne irgendeinen Unterschied, etwa nach Rasse, Hautfarbe, Geschlecht, Sprache, Religion, politischer
oder sonstiger Überzeugung, nationaler oder sozialer Herkunft, Vermögen, Geburt oder sonstigem Stand. Jeder hat das Recht
auf Leben, Freiheit und Sicherheit der Person. Niemand darf in Sklaverei oder Leibeigenschaft gehalten werden; Sklaverei
und Sklavenhandel sind in allen ihren Formen verboten.""",
    "russian": """Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и
должны поступать в отношении друг друга в духе братства. Каждый человек должен обладать всеми правами и всеми свободами,
провозглашенными настоящей Декларацией, без какого бы то ни было различия, как-то в отношении расы, цвета кожи, пола,
языка, религии, политических или иных убеждений, национального или социального происхождения, имущественного, сословного
или иного положения. Каждый человек имеет право на жизнь, на свободу и на личную неприкосновенность. Никто не должен
содержаться в рабстве или в подневольном состоянии; рабство и работорговля запрещаются во всех их видах.""",
    "arabic": """يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميرًا وعليهم أن يعامل بعضهم بعضًا
بروح الإخاء. لكل إنسان حق التمتع بكافة الحقوق والحريات الواردة في هذا الإعلان، دون أي تمييز، كالتمييز بسبب العنصر أو اللون
أو الجنس أو اللغة أو الدين أو الرأي السياسي أو أي رأي آخر، أو الأصل الوطني أو الاجتماعي أو الثروة أو الميلاد أو أي وضع آخر.
لكل فرد الحق في الحياة والحرية وسلامة شخصه. لا يجوز استرقاق أو استعباد أي شخص، ويحظر الاسترقاق وتجارة الرقيق بكافة
أوضاعهما.""",
}
SENTENCES["simple"] = SENTENCES["english"]


def documents(language, count, seed):
    """Runs of neighbouring words, of very different lengths, and some words
    from anywhere, now and then a number, a URL or a hyphenated word."""
    chance = random.Random(f"{language} {seed}")
    words = SENTENCES[language].split()
    for _ in range(count):
        body = []
        for _ in range(chance.choice((1, 1, 2, 3, 8))):
            start = chance.randrange(len(words))
            body += words[start:start + chance.randrange(1, 25)]
            body.append(chance.choice(words))
            if chance.random() < 0.1:
                body.append(chance.choice(("3.14", "well-known", "https://example.org/a/b?c=d", "-17", "v1.2.3")))
        yield " ".join(body)


def queries(language, count, seed):
    chance = random.Random(f"{language} {seed} queries")
    words = ["".join(c for c in w if c.isalpha()) for w in SENTENCES[language].split()]
    words = sorted({w for w in words if len(w) > 2})
    for _ in range(count):
        yield " ".join(chance.sample(words, chance.randrange(1, 6)))
