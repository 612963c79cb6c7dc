"""The schema's history: ``env.py`` runs ``versions/`` on the connection that the store hands over.

A change to ``hub/models.py`` needs a new file in ``versions/``; a test compares the two.
"""
