"""Taking a run's writes back, where nobody has touched the rows since.

====================  ============================================================================
:mod:`.written`       pure: what a run made of a row on each side, and what came after it
:mod:`.steps`         what an undo does, and what it leaves, with the reason
:mod:`.decide`        pure: from what was written and what stands there now to steps
:mod:`.look`          reads what stands there now, a page of rows at a time
:mod:`.plan`          the plan of a whole run
:mod:`.carry_out`     carries a plan out, and looks again right before each write
:mod:`.cells`         what goes back to records, before their rows go
:mod:`.rows`          SQL's part of it, :mod:`.records` the records that go, :mod:`.links` those that lead to others
====================  ============================================================================

What is taken back is the run's own write, on the side that it wrote to. The other side keeps its value, and the two
agree to differ (``near`` of the pair) until one of them is edited; otherwise the next run would write the same again.
A row that the run deleted comes back on both sides, because the next run would delete it again.
"""
