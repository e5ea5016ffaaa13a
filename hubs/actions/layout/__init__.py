"""The layout of a hub: documents, diffs, merges, drafts, revisions and YAML files."""
