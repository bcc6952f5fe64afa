"""The options of a client of MQTT 5.0, from those that a scenario gives."""

import builtins


def prepare(script, values):
    """Change the options in place."""
    values.setdefault("version", 5)
    if "clean_session" in values and "clean_start" not in values:
        values["clean_start"] = values.pop("clean_session")
    if "authentication" in values:
        method, answers = values["authentication"]
        values["authentication"] = (method, hook(script, list(answers)))


def hook(script, answers):
    """What is called with the broker's data: it records them and gives the next answer."""

    def answer(data):
        script.happened.append(("auth", None if data is None else bytes(data)))
        given = answers.pop(0)
        if isinstance(given, tuple):  # ("raise", name)
            raise getattr(builtins, given[1])("by the scenario")
        return given

    return answer
