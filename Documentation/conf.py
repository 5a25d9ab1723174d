# SPDX-License-Identifier: GPL-2.0
#
# For Sphinx: make docs.

project = "ip_vs_wlch"
copyright = "the contributors of ip_vs_wlch"
release = open("../kmod/VERSION").read().strip()
extensions = ["myst_parser"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
html_theme = "alabaster"
html_show_copyright = False
html_show_sourcelink = False
smartquotes = False	# of options with two hyphens
