"""Training behind the studio's Train tab: stages of `intone train` in processes of their own.

A folder holds everything, so that it outlives a page, the studio, and the machine's next start:

    TRAINING/datasets/NAME/dataset.json     whose recordings, from where
    TRAINING/datasets/NAME/clips/           of an uploaded archive
    TRAINING/datasets/NAME/data/            what `check` and `encode` write
    TRAINING/runs/NAME/training.json        what the run was asked for, and who agreed
    TRAINING/runs/NAME/run/                 what `run` and `eval` write
    TRAINING/runs/NAME/listen/ID/           one sentence, spoken by several checkpoints
    TRAINING/runs/NAME/voices/VOICE/        how a checkpoint became a voice
    TRAINING/models/VOICE/                  its model
    .../job/                                the process at work there: see `chain`
"""
