"""Plays logind, UPower and NetworkManager on a bus of their own, with python3-dbusmock.

Says the address of the bus on the first line. Then each line of the input is an order; when it is
carried out, the answer is `ok`. Ends, with all it started, when the input does. With an argument the
bus is at that address.
"""

import os
import subprocess
import sys

import dbus
import dbusmock

NM = "/org/freedesktop/NetworkManager"
NM_FACE = "org.freedesktop.NetworkManager"
ACTIVE_FACE = NM_FACE + ".Connection.Active"
LOGIN = "/org/freedesktop/login1"
LOGIN_FACE = "org.freedesktop.login1.Manager"
SESSION_FACE = "org.freedesktop.login1.Session"
MOCK = dbusmock.MOCK_IFACE


class Services(dbusmock.DBusTestCase):
    """The services that run, by the name of their template."""

    def __init__(self):
        super().__init__()
        self.running = {}
        self.bus = None

    def start(self, name):
        """Starts a service, without anything connected or anybody logged on."""
        process, _ = self.spawn_server_template(name, {}, stdout=subprocess.DEVNULL)
        self.running[name] = process
        if name == "networkmanager":
            manager = self.mock("networkmanager")
            manager.AddProperty(NM_FACE, "Metered", dbus.UInt32(4, variant_level=1))
            manager.SetGlobalConnectionState(20)

    def stop(self, name):
        """Ends a service."""
        process = self.running.pop(name)
        process.terminate()
        process.wait()

    def mock(self, name, path=None):
        """Returns the controls of an object of a service."""
        names = {
            "logind": ("org.freedesktop.login1", LOGIN),
            "upower": ("org.freedesktop.UPower", "/org/freedesktop/UPower"),
            "networkmanager": (NM_FACE, NM),
        }
        service, usual = names[name]
        return dbus.Interface(self.bus.get_object(service, path or usual), MOCK)

    # What a test can have happen.

    def battery(self, state):
        changed = {"OnBattery": dbus.Boolean(state == "on")}
        self.mock("upower").UpdateProperties("org.freedesktop.UPower", changed)

    def idle(self, since_us):
        changed = {
            "IdleHint": dbus.Boolean(since_us != "0"),
            "IdleSinceHint": dbus.UInt64(int(since_us)),
        }
        self.mock("logind").UpdateProperties(LOGIN_FACE, changed)

    def sleep(self, state):
        going = dbus.Boolean(state == "begin")
        self.mock("logind").EmitSignal(LOGIN_FACE, "PrepareForSleep", "b", [going])

    def shutdown(self):
        self.mock("logind").EmitSignal(LOGIN_FACE, "PrepareForShutdown", "b", [True])

    def session(self, name, uid):
        path = self.mock("logind").AddSession(name, "seat0", dbus.UInt32(int(uid)), "somebody", True)
        arguments = [name, dbus.ObjectPath(path)]
        self.mock("logind").EmitSignal(LOGIN_FACE, "SessionNew", "so", arguments)

    def leave(self, name):
        path = f"{LOGIN}/session/{name}"
        self.mock("logind").RemoveObject(path)
        arguments = [name, dbus.ObjectPath(path)]
        self.mock("logind").EmitSignal(LOGIN_FACE, "SessionRemoved", "so", arguments)

    def wish(self, name, what):
        session = self.bus.get_object("org.freedesktop.login1", f"{LOGIN}/session/{name}")
        dbus.Interface(session, SESSION_FACE).get_dbus_method(what)()

    def locked(self, name, state):
        session = self.mock("logind", f"{LOGIN}/session/{name}")
        session.UpdateProperties(SESSION_FACE, {"LockedHint": dbus.Boolean(state == "yes")})

    def state(self, number):
        self.mock("networkmanager").SetGlobalConnectionState(dbus.UInt32(int(number)))

    def metered(self, number):
        changed = {"Metered": dbus.UInt32(int(number))}
        self.mock("networkmanager").UpdateProperties(NM_FACE, changed)

    def connect(self, number, state, *name):
        path = f"{NM}/ActiveConnection/{number}"
        facts = {
            "Id": " ".join(name).encode().decode("unicode_escape"),
            "State": dbus.UInt32(int(state)),
            "Type": "802-11-wireless",
        }
        self.mock("networkmanager").AddObject(path, ACTIVE_FACE, facts, [])
        self.list_active(lambda all: all + [path])

    def turn(self, number, state):
        connection = self.mock("networkmanager", f"{NM}/ActiveConnection/{number}")
        connection.UpdateProperties(ACTIVE_FACE, {"State": dbus.UInt32(int(state))})

    def gone(self, number):
        path = f"{NM}/ActiveConnection/{number}"
        self.list_active(lambda all: [it for it in all if it != path])
        self.mock("networkmanager").RemoveObject(path)

    def list_active(self, change):
        manager = self.bus.get_object(NM_FACE, NM)
        old = manager.Get(NM_FACE, "ActiveConnections", dbus_interface=dbus.PROPERTIES_IFACE)
        new = change([str(it) for it in old])
        paths = dbus.Array([dbus.ObjectPath(it) for it in new], signature="o")
        self.mock("networkmanager").UpdateProperties(NM_FACE, {"ActiveConnections": paths})

    def forge(self, to):
        """Says, as somebody without the name of the service, that the machine woke up."""
        message = dbus.lowlevel.SignalMessage(LOGIN, LOGIN_FACE, "PrepareForShutdown")
        message.append(True, signature="b")
        message.set_destination(to or None)
        self.bus.send_message(message)
        self.bus.flush()

    def forge_to_all(self):
        """The same to every connection there is."""
        for name in self.bus.list_names():
            if name.startswith(":"):
                self.forge(name)

    def freeze(self, name):
        os.kill(self.running[name].pid, 19)

    def thaw(self, name):
        os.kill(self.running[name].pid, 18)


def start_bus_at(address):
    """Starts a bus where one was before, as when the program of the bus is started again."""
    command = ["dbus-daemon", "--session", "--fork", "--print-pid", "--address=" + address]
    out = subprocess.check_output(command, text=True)
    Services.system_bus_pid = int(out)
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = address


def main():
    import dbus.lowlevel  # pylint: disable=import-outside-toplevel,unused-import

    out = os.fdopen(os.dup(1), "w", buffering=1)
    # What the bus and the services print must not be taken for an answer, nor keep the pipe open.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    Services.setUpClass()
    if len(sys.argv) > 1:
        start_bus_at(sys.argv[1].split(",")[0])
    else:
        Services.start_system_bus()
    services = Services()
    services.bus = Services.get_dbus(system_bus=True)
    try:
        print(os.environ["DBUS_SYSTEM_BUS_ADDRESS"], file=out)
        for line in sys.stdin:
            order, *words = line.split()
            getattr(services, order)(*words)
            print("ok", file=out)
    finally:
        for name in list(services.running):
            os.kill(services.running[name].pid, 18)
            services.stop(name)
        Services.tearDownClass()


main()
