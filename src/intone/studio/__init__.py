"""The page: what the library, its voices, scripts and jobs can do, for people who prefer a page.

Gradio draws it; the rules are elsewhere. What speaks, and everything else that is not here, comes
through the protocols of `desk`, which the command line fills. No torch.
"""
