"""How well accounts are assessed, beside what is published: `python -m benchmarks.assessment`.

`LOG` compares PRADA, SEAT, MMD and antidistill on a traffic log, `ablation LOG` takes one signal away at a time, `pivot LOG` puts the
release of a model into it. `ladder` climbs the evasion ladder and `scale` does what a large provider sees in weeks, both on traffic of
the generator's own making.
"""
