"""What a course's teachers publish: git repositories on the hub's side, which sessions only read.

All functions block: call them in a thread, never in the event loop. Nothing that a user sent is
believed; materials never have a work tree here, and layers no links: there is none to follow.

    places                      where a course's repository, intakes and data lie
    bounded limited             programs with an end to their time, output and memory
    repository                  git, without anybody's settings
    members paths feeding       one entry of an untrusted tree; its name; a stream from the loop
    tars upload                 trees as they come: a tar stream; a notebook or zip
    intake room undecided       such a tree on its way in: a small repository of its own; those
                                that wait for a decision
    ordered                     what teachers want read from homes and git servers
    changes cells pairing       what a publish changes for students, down to the cells
    versions marks publishing bringing repairing
                                the record, twice; publish and undo; what a crash left half done
    requirements layers layer_steps
                                which packages a course wants; the record of their builds; what is
                                to become of them (pure)
    packages building           builds them; their log
    layer_files folder          a layer on disk; a tree written there, whole or absent
    rendering pages plain       a notebook as a harmless page; any other file
"""
