"""How scripts run the harness: it has a server to end and faults to take back, whatever ends the script."""
import signal
import subprocess


def said_by(command):
    """Runs it; what it printed. Where this process is interrupted it is too, and has 30 s to put everything back."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            return process.communicate()[0].decode(errors="replace")
        except BaseException:
            process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
