"""How fast custana is, and how that grows: beside a hand-written reference, and beside what people use today."""
