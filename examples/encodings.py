"""Tutorial 000, section 2: words and letters as inputs and outputs of a network."""

from samenet import data
from samenet.examples.report import Report, Settings, run_as_script

SHOWS = "an e-mail as counts of words, and a letter as the one node of 26 that is 1"
IDS = ("A20",)

# The text has no e-mail of its own, only its vector: two words twice, the last of the vocabulary once, no other.
VOCABULARY = ["money", "free", "meeting", "report", "lunch", "family", "holiday", "winner"]
E_MAIL = "Free money! You are our winner: claim your money now, it is FREE."
WORD = "cab"


def run(settings: Settings) -> Report:
    """Encode both, and pass them to networks with as many nodes: one to recognise spam, one to read letters."""
    report = Report()
    counts = data.word_counts([E_MAIL], VOCABULARY)
    report.row("word counts of the e-mail", counts[0].astype(int), [2, 2, 0, "...", 0, 1])
    random = settings.stream()
    spam = settings.network([len(VOCABULARY), 1], seed=random)
    report.row("how sure an untrained network is that it is spam", spam.predict(counts)[0, 0], "from 0 to 1", digits=3)

    letters = data.letter_one_hot(WORD)
    report.row("output nodes for a letter", letters.shape[1], 26)
    for letter, row in zip(WORD, letters, strict=True):
        report.row(f"the node that is 1 for {letter}", int(row.argmax()) + 1)
    reader = settings.network([64, 26], seed=random)
    read = reader.predict(random.random_sample((len(WORD), 64)))
    report.row("shape of the answer to three pictures of 8x8", read.shape)
    report.row("largest of an answer's 26 outputs", read.max(axis=1), digits=3)
    report.note(
        "The text runs nothing here; the vocabulary, the e-mail and the networks are made up to fit its numbers."
    )
    return report


if __name__ == "__main__":
    run_as_script(__file__)
