import faulthandler

# A test that hangs ends the run, and shows where.
faulthandler.dump_traceback_later(900, exit=True)
