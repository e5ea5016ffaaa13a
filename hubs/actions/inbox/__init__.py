"""The inbox: what needs a person, apart from news. Delivery, lists and counts, marks, mutes, and offers to help."""
