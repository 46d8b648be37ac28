"""Tutorial 000, section 2: words and letters as inputs and outputs of a network."""

from samenet import data
from samenet.examples.report import Report, Settings, run_as_script

SHOWS = "an e-mail as word counts, and a letter as a one-hot vector of 26 nodes"
IDS = ("A20",)

# The tutorial has no e-mail of its own, only its vector: two words twice, the last of the vocabulary once, no other.
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
    report.row(
        "confidence of an untrained network that it is spam", spam.predict(counts)[0, 0], "from 0 to 1", digits=3
    )

    letters = data.letter_one_hot(WORD)
    report.row("output nodes for a letter", letters.shape[1], 26)
    for letter, row in zip(WORD, letters, strict=True):
        report.row(f"position of the 1 for {letter}", int(row.argmax()) + 1)
    reader = settings.network([64, 26], seed=random)
    read = reader.predict(random.random_sample((len(WORD), 64)))
    report.row("shape of the output for three 8x8 images", read.shape)
    report.row("largest of the 26 outputs for each image", read.max(axis=1), digits=3)
    report.note(
        "The tutorial runs no code here; the vocabulary, the e-mail and the networks are made up to match its numbers."
    )
    return report


if __name__ == "__main__":
    run_as_script(__file__)
