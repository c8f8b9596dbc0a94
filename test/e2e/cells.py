"""The matrix: Spark 3.5/4.1 × Python/Java × native/spark-submit × embedded/real, each with or without the webhook.

    chosen(everything=False)         # those of the six that CI runs: any two values of two columns meet in one of them
    chosen(everything=True)          # … of all sixteen, for which everything is HERE
    cell.manifest()                  # the application, as YAML text
"""

import os
from dataclasses import dataclass

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "examples")
COLUMNS = ("spark", "language", "submitter", "server", "webhook")

# The values for which all parts exist; a cell runs when each of its values is here.
HERE = {"spark": {"3.5"}, "language": {"python", "java"}, "submitter": {"native"}, "server": {"embedded", "real"},
        "webhook": {False}}
VERSIONS = {"3.5": "3.5.7", "4.1": "4.1.4"}


@dataclass(frozen=True)
class Cell:
    spark: str           # "3.5" or "4.1"
    language: str        # "python" or "java"
    submitter: str       # "native" or "spark-submit"
    server: str          # "embedded" or "real"
    webhook: bool
    in_ci: bool = False

    @property
    def name(self):
        """Of the application."""
        return f"pi-{self.spark.replace('.', '-')}-{self.language}-{self.submitter}"

    @property
    def is_here(self):
        return all(getattr(self, column) in values for column, values in HERE.items())

    @property
    def spark_home(self):
        images = os.environ.get("SPARK_OPERATOR_IMAGES") or os.path.join(
            os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "spark-operator", "images")
        return os.path.join(images, "spark", VERSIONS[self.spark], "opt", "spark")

    def __str__(self):
        return f"Spark {self.spark}, {self.language}, {self.submitter}, {self.server}, {'with' if self.webhook else 'without'} webhook"

    @property
    def example(self):
        return "spark-pi" + ("-java" if self.language == "java" else "") + ("-4.1" if self.spark == "4.1" else "") + ".yaml"

    def manifest(self):
        with open(os.path.join(EXAMPLES, self.example)) as f:
            text = f.read()
        name = next(line for line in text.splitlines() if line.startswith("  name: "))
        assert text.count(name + "\n") == 1, self.example
        return text.replace(name + "\n", f"  name: {self.name}\n  annotations:\n    sparkoperator.k8s.io/submitter: {self.submitter}\n", 1)


MATRIX = [
    Cell("3.5", "python", "native",       "embedded", False, in_ci=True),
    Cell("3.5", "python", "native",       "real",     True, in_ci=True),
    Cell("3.5", "python", "spark-submit", "embedded", True),
    Cell("3.5", "python", "spark-submit", "real",     False),
    Cell("3.5", "java",   "native",       "embedded", True),
    Cell("3.5", "java",   "native",       "real",     False),
    Cell("3.5", "java",   "spark-submit", "embedded", False, in_ci=True),
    Cell("3.5", "java",   "spark-submit", "real",     True),
    Cell("4.1", "python", "native",       "embedded", False),
    Cell("4.1", "python", "native",       "real",     True),
    Cell("4.1", "python", "spark-submit", "embedded", True, in_ci=True),
    Cell("4.1", "python", "spark-submit", "real",     False),
    Cell("4.1", "java",   "native",       "embedded", True),
    Cell("4.1", "java",   "native",       "real",     False, in_ci=True),
    Cell("4.1", "java",   "spark-submit", "embedded", False),
    Cell("4.1", "java",   "spark-submit", "real",     True, in_ci=True),
]


def chosen(everything):
    return [cell for cell in MATRIX if cell.is_here and (everything or cell.in_ci)]


def unmet_pairs(cells):
    """Pairs of values of two columns that occur together in no cell."""
    values = {column: sorted({getattr(cell, column) for cell in MATRIX}) for column in COLUMNS}
    return [((a, x), (b, y)) for i, a in enumerate(COLUMNS) for b in COLUMNS[i + 1:] for x in values[a] for y in values[b]
            if not any(getattr(c, a) == x and getattr(c, b) == y for c in cells)]
