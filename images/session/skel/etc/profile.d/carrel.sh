# Login shells (a terminal in JupyterLab) use the same Python as the notebooks.
export PATH="/opt/carrel/venv/bin:$PATH"
