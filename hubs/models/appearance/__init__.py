"""How hubs look: what they can choose."""
