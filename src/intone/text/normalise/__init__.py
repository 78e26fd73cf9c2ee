"""Numbers, dates, money, units and addresses as they are spoken, language by language.

Chinese and Japanese are written out by `wetext`; the other eight by `num2words` and the small
tables of this room. A rule takes what it is sure of; what no rule takes stays as it is written.
"""
