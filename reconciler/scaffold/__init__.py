"""The files that `reconciler init` writes: a GitOps repository that works at once, on local clouds.

`templates/` holds files as they are written: those below `common`, the chosen clouds and the chosen CI. A name that
begins with `dot-` gets the dot, and of a name that ends in `.template` the text is filled: `@{name}` stands for a value
or for a piece of text from `fragments/`.
"""
