"""Runs in a process of its own: Spark, asked in SQL. A line of JSON in, a line of JSON out, until there are no more.

`python spark_shell.py '{"spark.setting": "value", ...}'`
"""

import importlib
import sys

import orjson

ANSWER = "answer: "


def main(settings: dict[str, str]) -> None:
    """Answer each question `{"sql": …}` with `{"rows": […]}` or `{"error": …}`."""
    # By name, for it need not be installed where types are checked.
    builder = importlib.import_module("pyspark.sql").SparkSession.builder
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    say({"rows": [[spark.version]]})
    for line in sys.stdin:
        try:
            say({"rows": [list(row) for row in spark.sql(orjson.loads(line)["sql"]).collect()]})
        except Exception as error:  # noqa: BLE001 - whoever asked shall see it
            say({"error": str(error)})
    spark.stop()


def say(answer: dict[str, object]) -> None:
    sys.stdout.write(f"{ANSWER}{orjson.dumps(answer, default=str).decode()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(orjson.loads(sys.argv[1]))
