"""The lab: a small world around provgate, on loopback only.

An identity provider, an SSO app that knows nothing of provgate, an Okta client, and what starts them together.
Used by the demo (./dev run), by its smoke story and by the system tests.
"""
