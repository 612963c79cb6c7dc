# A course's extra packages, for kernels of its notebooks. Whatever goes wrong, the kernel starts,
# and no name of ours is left in it.
try:
    __import__("carrel_session.packages", fromlist=["add"]).add()
except Exception as problem:
    __import__("sys").__stderr__.write(f"carrel: no packages of the course: {problem}\n")
