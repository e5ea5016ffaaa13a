"""The kit that authors of widgets test with; see docs/widgets.md.

`hubs.testing.plugin` has the pytest fixture, `hubs.testing.sandbox` a hub that lives for one test,
`hubs.testing.reading` the check of HTML that needs no browser, `hubs.testing.browser` the one in Chromium.
"""
