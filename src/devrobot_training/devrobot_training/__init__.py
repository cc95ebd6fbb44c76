"""Offline side of devrobot: sessions from bags, and training on them."""
