"""Colab's own module, as far as the first cells of its notebooks need it in a session of Carrel.

    drive files userdata      Drive's folder, files from and to one's computer, one's secrets
    output auth runtime data_table patches
                              small things that first cells call
    session beside            where this kernel is; Google's other libraries (not Colab's)

There is no ``google/__init__.py``: Google's other libraries share that name.
"""

from google.colab import auth, beside, data_table, drive, files, output, patches, runtime, userdata

__all__ = ["auth", "data_table", "drive", "files", "output", "patches", "runtime", "userdata"]


beside.find_always()
