"""The inspection of a data set as page.html with contact sheets."""
