"""Random programs: ``python -m tests.fuzz --seed 0 --count 2000``.

tree         the small program tree, printed as Python
scope        the variables a point of a program may use, and what is known of them
expressions  random expressions: bounded values, indices in range
statements   random simple statements
control      random loops, branches and exits
program      a whole program: helpers, main function, inputs
coverage     which construct occurs inside which
check        one program against differences
shrink       a failing program made small
planted      bugs put into generated code on purpose
"""
