"""The cast: which stream plays which avatar, where it is shown, and how its performer looks at rest."""
