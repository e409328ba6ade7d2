"""What can go wrong with a lab or a run through no fault of the code, in words that say how to mend it."""

import re
from string import Formatter

# One English template a key; the interface keeps the same keys in each of its languages.
MESSAGES: dict[str, str] = {
    # lab.toml: `where` is FILE or FILE:LINE, `field` a path such as rules[0].checks[1].arm
    "lab-unreadable": "{where} cannot be read: {detail}. Restore the file or remove its folder.",
    "lab-toml": "{where} is not valid TOML: {detail}. Correct this line.",
    "lab-type": "{where}, field {field}: expected {expected}, found {found}. Change the value's type.",
    "lab-missing-field": "{where}: the field {field} is missing. Add it.",
    "lab-unknown-field": "{where}: {field} is not a field that a lab has. Remove it or correct its name.",
    "lab-value": "{where}, field {field}: {value} is not allowed. Use one of: {allowed}.",
    "lab-other": "{where}, field {field}: {detail}. Correct the value.",
    "lab-empty": "{where}, field {field} is empty. Fill it in.",
    "lab-id-form": "{where}, field {field}: '{value}' is not a valid id. "
    "Use lower-case letters, digits and underscores, with a letter first.",
    "lab-id-twice": "{where}, field {field}: '{value}' is used twice. Give each its own id.",
    "lab-id-folder": "{where}, field id: '{value}' differs from its folder's name, '{folder}'. Rename one.",
    "lab-claim-form": "{where}, field {field}: '{value}' is not a claim id. Write it like E1.7.",
    "lab-undeclared": "{where}, field {field}: '{value}' is not declared in this lab. Use one of: {known}.",
    "lab-between": "{where}, field {field}: {value} is out of bounds. Use a value from {low} to {high}.",
    "lab-rising": "{where}, field {field}: {value} does not come after {before}. Use a larger value.",
    "lab-bands-count": "{where}, field {field}: a bet has 3 to 5 bands, found {count}. Add or remove some.",
    "lab-band-open": "{where}, field {field}: every band but the last needs 'below', and the last has none. "
    "Add or remove it.",
    "lab-check-needs": "{where}, field {field}: a check of kind '{kind}' needs this field here. Add it.",
    "lab-check-forbids": "{where}, field {field}: a check of kind '{kind}' does not take this field here. "
    "Remove it.",
    "lab-too-long-en": "{where}, field {field}: {count} words, at most {limit} are allowed. Shorten it.",
    "lab-too-long-zh": "{where}, field {field}: {count} Chinese characters, at most {limit} are allowed. "
    "Shorten it.",
    "lab-twice": "{where}: a lab '{id}' was already found in {other}. Rename one of the folders.",
    "lab-folder": "The folder {folder} with the labs cannot be read: {detail}. Install torchproof again.",
    # asking for a lab or a knob
    "unknown-lab": "There is no lab '{id}'. Did you mean: {did_you_mean}? `torchproof lab list` shows all.",
    "no-labs": "There is no lab '{id}': no lab could be read at all. Run `torchproof doctor` to see why.",
    "knob-form": "'{text}' is not a knob setting. Write NAME=VALUE, for example {example}.",
    "unknown-knob": "Lab {lab} has no knob '{knob}'. Its knobs: {known}.",
    "knob-type": "Knob {knob}: '{value}' is not of type {kind}. For example: {example}.",
    "knob-range": "Knob {knob}: {value} is out of range. Use a value from {low} to {high}.",
    "knob-choice": "Knob {knob}: '{value}' is not a choice. Use one of: {allowed}.",
    # runs and the disk they live on
    "unknown-run": "There is no run '{id}' in {folder}. `torchproof lab runs` shows them all.",
    "ambiguous-run": "Several runs begin with '{id}': {matches}. Write more of the id.",
    "no-runs": "There are no runs in {folder} yet. Start one with `torchproof lab run LAB`.",
    "run-broken": "{file} cannot be read: {detail}. Delete the run's folder and run the lab again.",
    "disk-full": "No space is left for {folder}. Free some, or set TORCHPROOF_HOME to another disk.",
    "read-only": "{folder} cannot be written to. Make it writable, or set TORCHPROOF_HOME to another folder.",
    "cannot-write": "Writing to {folder} failed: {detail}. "
    "Check the disk, or set TORCHPROOF_HOME to another folder.",
    # devices
    "unknown-device": "There is no device '{device}'. Use one of: auto, cpu, cuda, cuda:N, mps.",
    "device-unusable": "Device '{device}' cannot be used here: {reason}. Use --device auto or --device cpu.",
    # why a lab runs on the device it runs on: `device_reason` of its start event
    "device-none": "No GPU was found.",
    "device-hidden": "CUDA_VISIBLE_DEVICES hides every GPU.",
    "device-too-old": "{name} (compute capability {capability}) is too old for torch {torch}, "
    "built for {built}. An older build of torch may still support it.",
    "device-driver-old": "The NVIDIA driver is too old for torch {torch}, built for CUDA {cuda}. "
    "Update the driver, or install a torch built for an older CUDA.",
    "device-no-cuda": "torch {torch} is built without CUDA, so {name} cannot be used. "
    "Install a build with CUDA.",
    "device-busy": "{name} is in use: {processes} processes, {load}% load.",
    "device-taken": "{name} is busy or held exclusively by another process.",
    "device-full": "{name} has too little free memory: {free} of {total} MB.",
    "device-oom": "{name} ran out of memory in a small test computation.",
    "device-broken": "{name} failed a small test computation: {error}.",
    "device-missing": "There is no device {device} here; found: {found}.",
    "device-left": "{name} ran out of memory, so the unfinished seeds start again on the CPU.",
    # what ends a lab's process: `error` of its end event
    "python-missing": "{python} cannot be started: {error}. "
    "Name another interpreter with --python or TORCHPROOF_PYTHON.",
    "python-old": "{python} is Python {version}, and labs need 3.11 or newer. "
    "Name another interpreter with --python or TORCHPROOF_PYTHON.",
    "package-missing": "{python} cannot load {package}: {error}. "
    "Install it with `{python} -m pip install {package}`.",
    "torch-missing": "{python} has no torch. Install it with `{python} -m pip install torch torchvision`, "
    "or name an interpreter that has it with --python or TORCHPROOF_PYTHON.",
    "torch-broken": "{python} cannot load its torch: {error}. "
    "Reinstall it with `{python} -m pip install --force-reinstall torch torchvision`, "
    "or name another interpreter with --python or TORCHPROOF_PYTHON.",
    "experiment-load": "{file} cannot be loaded: {error}. Correct it; the run's log has the traceback.",
    "experiment-raised": "The experiment of lab {lab} failed: {error}. The run's log has the traceback.",
    "experiment-garbage": "{file} yields what a lab cannot use: {detail}.",
    "experiment-changed": "{file} has changed since this run began; the run goes on with its own copy.",
    "memory-full": "Not enough memory for lab {lab} ({error}). Close other programs or use fewer seeds.",
    "worker-died": "The lab's process ended before it began ({how}). {output}",
    # data sets and weights by name; where a file is to be copied, its path is below `folder`
    "data-folder": "This run was told no folder of data sets. Run it with `torchproof lab run`, "
    "or set {variable} to the folder.",
    "data-missing": "{name} is not in {folder}. "
    "Get it with `torchproof data get {name}` ({size} to download), then run the lab again.",
    "data-damaged": "{name} is damaged or not whole: {file}. "
    "Run `torchproof data check {name}`, or `torchproof data get {name}` to get it again.",
    "data-used": "This run uses {name} from {folder} ({sums}).",
    "data-busy": "Another process is at work on {name} (process {pid}). Wait for it, or end it.",
    "data-no-room": "{name} needs {need}, and {folder} has {free} free. "
    "Free some, or set TORCHPROOF_HOME to another disk.",
    "data-offline": "{host} cannot be reached ({detail}). Without a network: copy {files} "
    "from another machine into {folder} and run `torchproof data check {name}`.",
    "data-refused": "{host} answered {status} for {url}. Try again later, or copy {file} "
    "from another machine into {folder} and run `torchproof data check {name}`.",
    "data-other-file": "{host} offers {found} bytes for {file} where {expected} were expected, "
    "so nothing was downloaded. Log in where the network asks for it, or copy the file from another machine "
    "into {folder} and run `torchproof data check {name}`.",
    "data-checksum": "{file} from {host} does not have the checksum {sum}: it was cut short or altered, "
    "and was deleted. Run `torchproof data get {name}` again.",
    "data-broken-off": "The download of {file} from {host} broke off ({detail}). "
    "Run `torchproof data get {name}` again; files that are whole are kept.",
    "data-failed": "torchvision could not get {name} ({detail}; interpreter {python}). "
    "Run `torchproof doctor`, then `torchproof data get {name}` again.",
    # a proof: which labs it needs, and why a lab in it has no verdict
    "proof-unknown": "No lab measures '{name}'. Name a claim, an entry or a lab; close to it: {near}.",
    "proof-lost": "The lab's process is gone and left no last word. Its log: {log}",
    "proof-stopped": "The proof was stopped before this lab had finished.",
    "proof-budget": "There was no time left for this lab within the budget.",
    # notes beside a verdict: see labs.verdict.NOTES
    "note-few-seeds": "Too few seeds for a verdict yet; run more.",
    "note-diverged-counted": "Some seeds diverged; each counts as the value registered for that case.",
    "note-diverged": "Some seeds diverged and no value is registered for that case, so this stays undecided.",
}


class LabProblem(ValueError):
    """A problem that a user or an author of a lab can mend.

    `key` and `fields` let the interface say the same in another language; `str()` is the English sentence.
    """

    def __init__(self, key: str, /, **fields: object) -> None:
        super().__init__(MESSAGES[key].format_map(fields))
        self.key = key
        self.fields = fields


def recognise(sentence: str) -> LabProblem | None:
    """The problem whose English sentence this is, or None.

    Events hold plain sentences, for scripts and for people; with its key the interface can say the same in
    another language. Of several templates that fit, the one with the most words of its own.
    """
    found: tuple[int, str, dict[str, str]] = (-1, "", {})
    for key, template in MESSAGES.items():
        parts = list(Formatter().parse(template))
        if not sentence.startswith(parts[0][0]):
            continue
        pattern, own, seen = "", 0, set[str]()
        for literal, field, _, _ in parts:
            pattern += re.escape(literal)
            own += len(literal)
            if field is not None:
                pattern += f"(?P={field})" if field in seen else f"(?P<{field}>.*?)"
                seen.add(field)
        match = re.fullmatch(pattern, sentence, re.DOTALL)
        if match and own > found[0]:
            found = (own, key, match.groupdict())
    return LabProblem(found[1], **found[2]) if found[1] else None
