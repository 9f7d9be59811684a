"""The documentation's own tools: reference pages out of the code, and the site out of the pages."""
