"""Tools for authors of widgets: create a package, develop it with live reload, list the installed widgets."""
