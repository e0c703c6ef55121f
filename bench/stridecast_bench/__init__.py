"""What `stridecast bench` runs: cases beside peers, timed, compared with limits, and reported.

measure.py times, cases/ has what is compared, peers/ with whom; process.py is one process of it.
"""
