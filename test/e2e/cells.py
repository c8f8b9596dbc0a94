"""The matrix: Spark 3.5/4.1 × Python/Java × native/spark-submit × embedded/real. The webhook stands in the path of every pod
on the real API server, and of half of those on the embedded one.

    chosen(everything=False)         # the six that CI runs: any two values of two columns that meet at all meet in one of them
    chosen(everything=True)          # all sixteen
    cell.manifest()                  # the application, as YAML text
    cell.driver_limit                # what its driver's memory is to be limited to
"""

import os
from dataclasses import dataclass

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "examples")
COLUMNS = ("spark", "language", "submitter", "server", "webhook")

VERSIONS = {"3.5": "3.5.7", "4.1": "4.1.4"}
# What both roles ask for: Spark knows nothing of tolerations, and writes the memory limit itself, over any template.
TOLERATION = "e2e"
ASKED = f"""    memoryLimit: 1g
    tolerations:
      - key: {TOLERATION}
        operator: Exists
"""
SPARKS_LIMIT, ASKED_LIMIT = "896Mi", "1Gi"


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
        text = text.replace(name + "\n", f"  name: {self.name}\n  annotations:\n    sparkoperator.k8s.io/submitter: {self.submitter}\n", 1)
        assert text.count("    cores: 1\n") == 2, self.example
        return text.replace("    cores: 1\n", ASKED)      # the webhook fills the cores in

    # A limit of our own needs the webhook; but the native submitter has the last word over drivers.
    @property
    def driver_limit(self):
        return ASKED_LIMIT if self.webhook or self.submitter == "native" else SPARKS_LIMIT

    @property
    def executor_limit(self):
        return ASKED_LIMIT if self.webhook else SPARKS_LIMIT


MATRIX = [
    Cell("3.5", "python", "native",       "embedded", False, in_ci=True),
    Cell("3.5", "python", "native",       "real",     True),
    Cell("3.5", "python", "spark-submit", "embedded", True, in_ci=True),
    Cell("3.5", "python", "spark-submit", "real",     True),
    Cell("3.5", "java",   "native",       "embedded", True),
    Cell("3.5", "java",   "native",       "real",     True, in_ci=True),
    Cell("3.5", "java",   "spark-submit", "embedded", False, in_ci=True),
    Cell("3.5", "java",   "spark-submit", "real",     True),
    Cell("4.1", "python", "native",       "embedded", True),
    Cell("4.1", "python", "native",       "real",     True),
    Cell("4.1", "python", "spark-submit", "embedded", False),
    Cell("4.1", "python", "spark-submit", "real",     True, in_ci=True),
    Cell("4.1", "java",   "native",       "embedded", False, in_ci=True),
    Cell("4.1", "java",   "native",       "real",     True),
    Cell("4.1", "java",   "spark-submit", "embedded", True),
    Cell("4.1", "java",   "spark-submit", "real",     True),
]


def chosen(everything):
    return [cell for cell in MATRIX if everything or cell.in_ci]


def unmet_pairs(cells):
    """Pairs of values of two columns that occur together in the matrix, but in none of the cells."""
    def pairs(of):
        return {((a, getattr(c, a)), (b, getattr(c, b))) for c in of for i, a in enumerate(COLUMNS) for b in COLUMNS[i + 1:]}
    return sorted(pairs(MATRIX) - pairs(cells))
