using System.Diagnostics;

namespace AstStream.LoadTest;

/// <summary>
/// A PulseAudio of the test's own, in a folder of its own, with null sinks in place of microphones: what is played into one comes out of
/// its monitor. Loading and unloading a sink is the cable.
/// </summary>
public sealed class PulseAudio : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-pulse-").FullName;
    private readonly Dictionary<string, string> _environment;
    private readonly List<(string Name, int Rate)> _sinks = [];
    private Process? _server;
    private bool _isUp;

    public PulseAudio()
    {
        var home = Directory.CreateDirectory(Path.Combine(_folder, "home")).FullName;
        Directory.CreateDirectory(Path.Combine(_folder, "run"));
        _environment = new Dictionary<string, string>
        {
            ["XDG_RUNTIME_DIR"] = Path.Combine(_folder, "run"),
            ["HOME"] = home,
            ["PULSE_SERVER"] = $"unix:{_folder}/run/pulse/native",
        };

        // ALSA's programs find each sink's monitor under the sink's name, and nothing else.
        File.WriteAllText(Path.Combine(home, ".asoundrc"), "");
        foreach (var (name, value) in _environment)
            Environment.SetEnvironmentVariable(name, value); // what the tests start inherits it
        Start();
    }

    /// <summary>What a process needs to find this server.</summary>
    public IReadOnlyDictionary<string, string?> Variables => _environment.ToDictionary(v => v.Key, v => (string?)v.Value);

    /// <summary>Starts the server, with the sinks that there were.</summary>
    public void Start()
    {
        var script = Path.Combine(_folder, "script.pa");
        File.WriteAllLines(
            script, ["load-module module-native-protocol-unix auth-anonymous=1",
            .. _sinks.Select(s => "load-module " + Module(s.Name, s.Rate))]);
        _isUp = true;
        _server = Launch(
            "pulseaudio", "-n", "-F", script, "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no",
            "--log-target=file:" + Path.Combine(_folder, "log"));
        for (var clock = Stopwatch.StartNew(); !TryControl("info");)
        {
            if (clock.Elapsed > s_patience)
                throw new TimeoutException("pulseaudio does not come up: " + File.ReadAllText(Path.Combine(_folder, "log")));
        }
    }

    /// <summary>Kills the server, as a crash does.</summary>
    public void Kill()
    {
        _isUp = false;
        _server!.Kill();
        _server.WaitForExit();
        _server.Dispose();
        File.Delete(Path.Combine(_folder, "run", "pulse", "native"));
    }

    /// <summary>Plugs a microphone in.</summary>
    public void Plug(string name, int rate = 48_000)
    {
        Control(["load-module", .. Module(name, rate).Split(' ')]);
        Control("set-default-source", name + ".monitor");
        _sinks.Add((name, rate));
        File.WriteAllLines(
            Path.Combine(_folder, "home", ".asoundrc"),
                _sinks.Select(s => $"pcm.{s.Name} {{ type pulse device {s.Name}.monitor hint {{ show on description {s.Name} }} }}"));
    }

    /// <summary>Pulls it out. ALSA still knows its name, as it knows a card that is not there.</summary>
    public void Unplug(string name)
    {
        var line = Output("pactl", "list", "short", "modules")
            .Split('\n').Single(l => l.Contains($"sink_name={name} ", StringComparison.Ordinal));
        Control("unload-module", line.Split('\t')[0]);
        _sinks.RemoveAll(s => s.Name == name);
    }

    /// <summary>Plays a WAV file into a microphone, to its end.</summary>
    public async Task PlayAsync(string name, string file)
    {
        using var player = Launch("paplay", "--device=" + name, "--latency-msec=200", file);
        await player.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        if (player.ExitCode != 0)
            throw new InvalidOperationException($"paplay failed: {await player.StandardError.ReadToEndAsync()}");
    }

    /// <summary>Plays a WAV file into a microphone until that is disposed of.</summary>
    public IDisposable Loop(string name, string file)
    {
        var player = Launch(
            "ffmpeg", "-nostdin", "-loglevel", "quiet", "-re", "-stream_loop", "-1", "-i", file, "-f", "pulse", "-device", name, "test");
        return new Ending(player);
    }

    public void Dispose()
    {
        if (_isUp)
            Kill();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Module(string name, int rate) => $"module-null-sink sink_name={name} rate={rate} channels=1 format=float32le";

    private void Control(params string[] arguments)
    {
        using var process = Launch("pactl", arguments);
        if (!process.WaitForExit(s_patience) || process.ExitCode != 0)
            throw new InvalidOperationException($"pactl {string.Join(' ', arguments)} failed: {process.StandardError.ReadToEnd()}");
    }

    private bool TryControl(params string[] arguments)
    {
        using var process = Launch("pactl", arguments);
        return process.WaitForExit(s_patience) && process.ExitCode == 0;
    }

    private string Output(string program, params string[] arguments)
    {
        using var process = Launch(program, arguments);
        return process.StandardOutput.ReadToEnd();
    }

    private Process Launch(string program, params string[] arguments)
    {
        var info = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in _environment)
            info.Environment[name] = value;
        return Process.Start(info)!;
    }

    private sealed class Ending(Process process) : IDisposable
    {
        public void Dispose()
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }
}
