"""The namespaces of a client, one a module: ``client.bitable``, ``client.messaging``, …

``openapi.py`` is any other API by its path, also with files.
"""
