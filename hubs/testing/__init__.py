"""The test kit for authors of widgets; see docs/widgets.md.

`hubs.testing.plugin` has the pytest fixture, `hubs.testing.sandbox` a hub for one test, `hubs.testing.reading` an
accessibility check of HTML without a browser, `hubs.testing.browser` one in Chromium.
"""
