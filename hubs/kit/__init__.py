"""Tools for authors of widgets: begin a package, work on it while it runs, list what is installed."""
