"""The same journey for everybody: this project, what a team would pick instead, and the raw limit.

A journey is six events of a person, each answered only once its transition and its history are
durable: create, and five moves. Between them work five tasks: two report back with an event that the
person waits for (a secret, a check), three send a letter, which is one line appended to a file. It
ends when the last transition and the last letter are out: eight transitions in all.
"""
