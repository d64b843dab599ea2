using AstStream.Streaming.Definitions;

namespace AstStream.Worker.Setup;

/// <summary>Where a service's pipeline is, and what it keeps: of the machine, or of a person.</summary>
/// <param name="IsMachines">Whether it is the machine's: who sets it up is root.</param>
/// <param name="Folder">The folder of the pipeline.</param>
/// <param name="Data">The folder of what is kept.</param>
internal sealed record SetupPlace(bool IsMachines, string Folder, string Data)
{
    private const string Name = "aststream";

    /// <summary>The place for whoever runs this.</summary>
    public static SetupPlace Mine => Environment.IsPrivilegedProcess && OperatingSystem.IsLinux()
        ? new SetupPlace(true, $"/etc/{Name}", $"/var/lib/{Name}")
        : new SetupPlace(
            false, Path.Combine(Variable("XDG_CONFIG_HOME", ".config"), Name),
            Path.Combine(Variable("XDG_STATE_HOME", ".local/state"), Name));

    /// <summary>The pipeline.</summary>
    public string Pipeline => Path.Combine(Folder, "pipeline.yaml");

    /// <summary>The file of its secrets.</summary>
    public string Secrets => Path.Combine(Folder, Expansion.SecretsFile);

    /// <summary>systemctl's arguments before any others.</summary>
    public IReadOnlyList<string> Manager => IsMachines ? [] : ["--user"];

    /// <summary>Whether a service of this kind is installed, under a systemd that runs.</summary>
    public bool HasService => Directory.Exists("/run/systemd/system") && Units.Any(f => File.Exists(Path.Combine(f, $"{Name}.service")));

    private IEnumerable<string> Units =>
        IsMachines ? s_machines : s_persons.Append(Path.Combine(Path.GetDirectoryName(Folder)!, "systemd/user"));

    /// <summary>A command of systemd as a person would type it.</summary>
    public string Command(string program, string arguments) => IsMachines ? $"sudo {program} {arguments}" : $"{program} --user {arguments}";

    private static readonly string[] s_machines = ["/lib/systemd/system", "/usr/lib/systemd/system", "/etc/systemd/system"];

    private static readonly string[] s_persons = ["/usr/lib/systemd/user", "/etc/systemd/user"];

    /// <summary>A folder of the XDG Base Directory Specification, which says that relative ones are to be ignored.</summary>
    private static string Variable(string name, string inHome) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } folder && Path.IsPathRooted(folder) ? folder
        : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home ? Path.Combine(home, inHome)
        : throw new IOException($"neither {name} nor HOME names a folder; expected one of them, or --out");
}
