"""Receiving from Lark, over a Lark connection: requests, inbox, questions to people and the approval centre."""
