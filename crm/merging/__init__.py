"""Two contacts become one, field by field, and can be parted again.

`rules` says what happens to each relation to a contact, `preview` shows what would come of it, `doing` merges,
`undoing` parts. Apps on the right register the rules of their own relations.
"""
