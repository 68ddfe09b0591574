#!/usr/bin/env bash
# lightning 2.6.6 with fsspec 2026.9.0: Trainer.save_checkpoint writes a checkpoint into the system's
# temporary folder first, under a name of tempfile.mkstemp that nothing tells apart, and moves it to
# its place when all of it is written (the transaction of fsspec's LocalFileSystem). A process that is
# killed in between leaves a checkpoint there, perhaps a whole one, which nobody removes.
#
# Expected: an unfinished file beside the checkpoint, which a next run can find and remove.
# Seen:     made by mkstemp in the temporary folder; opened there; moved from there
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'lightning==2.6.6' 'fsspec==2026.9.0'
mkdir "$folder/run" "$folder/temporary"
TMPDIR=$folder/temporary "$folder/venv/bin/python" - "$folder/run/last.ckpt" <<'PYTHON'
import sys
import warnings
from pathlib import Path

import fsspec
import lightning as L
import torch

warnings.simplefilter("ignore")
target = Path(sys.argv[1])
events = []


class Tiny(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch, _):
        return self.layer(batch).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def watch(event, arguments):
    if event in ("tempfile.mkstemp", "open", "os.rename"):
        path = Path(str(arguments[0]))
        if path.parent.name == "temporary":
            moved = event == "os.rename" and Path(str(arguments[1])) == target
            events.append("os.rename to the checkpoint" if moved else event)


silent = dict(logger=False, enable_progress_bar=False, enable_model_summary=False)
trainer = L.Trainer(
    max_steps=1, accelerator="cpu", enable_checkpointing=False, barebones=False, **silent
)
trainer.fit(Tiny(), torch.utils.data.DataLoader(torch.zeros(2, 2)))
sys.addaudithook(watch)
trainer.save_checkpoint(target)
seen = list(dict.fromkeys(events))
print(f"lightning {L.__version__}, fsspec {fsspec.__version__}: {seen}")
assert target.is_file()
assert seen == ["tempfile.mkstemp", "open", "os.rename to the checkpoint"], "the behaviour has changed"
PYTHON
