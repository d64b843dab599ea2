using System.CodeDom.Compiler;
using System.IO.Enumeration;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using AstStream.Connectors;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Kafka;
using AstStream.Learning;
using AstStream.Model.Checkpoints;
using AstStream.Station;
using AstStream.Streaming.Graph;
using AstStream.Worker;

namespace AstStream.Tests.Architecture;

/// <summary>Who may know whom. A project is a floor, a folder a room; its namespace is the folder.</summary>
public partial class ArchitectureTests
{
    private const int MostLines = 350;
    private const int MostChangingFields = 12;

    private static readonly Assembly[] s_assemblies =
    [
        typeof(OnlineFbank).Assembly, typeof(SoundEvent).Assembly, typeof(AstCheckpoint).Assembly, typeof(DataflowGraph).Assembly,
        typeof(ConnectorCatalog).Assembly, typeof(KafkaCatalog).Assembly, typeof(AudioTagger).Assembly,
        typeof(StationCatalog).Assembly, typeof(WorkerCatalog).Assembly,
    ];

    /// <summary>The projects and packages that each project may use.</summary>
    public static TheoryData<string, string[]> Projects => new()
    {
        { "AstStream.Dsp", ["NWaves"] },
        { "AstStream.Events", [] },
        { "AstStream.Model", ["AstStream.Dsp", "Microsoft.ML.OnnxRuntime"] },
        {
            "AstStream.Streaming",
            ["AstStream.Dsp", "AstStream.Events", "AstStream.Model", "Microsoft.Extensions.Logging.Abstractions", "Polly.Core",
                "YamlDotNet"]
        },
        {
            "AstStream.Connectors",
            [
                "AstStream.Dsp", "AstStream.Events", "AstStream.Model", "AstStream.Streaming", "Microsoft.Extensions.FileSystemGlobbing",
                "MQTTnet", "Polly.Core", "PortAudioSharp", "Spectre.Console",
            ]
        },
        {
            "AstStream.Station",
            [
                "AstStream.Dsp", "AstStream.Events", "AstStream.Model", "AstStream.Streaming", "BigGustave", "MailKit",
                "Microsoft.AspNetCore*", "Microsoft.Data.Sqlite", "Microsoft.Extensions*", "Microsoft.Net.Http.Headers",
                "Microsoft.OpenApi", "MimeKit", "OpenTelemetry*", "Polly.Core", "SQLitePCLRaw.core",
            ]
        },
        {
            "AstStream.Learning",
            ["AstStream.Dsp", "AstStream.Events", "AstStream.Model", "AstStream.Streaming", "System.Numerics.Tensors"]
        },
        {
            "AstStream.Kafka",
            [
                "AstStream.Dsp", "AstStream.Events", "AstStream.Streaming", "Confluent.Kafka", "Confluent.SchemaRegistry",
                "Microsoft.Data.Sqlite",
            ]
        },
    };

    /// <summary>The rooms of the engine: each may use those before it. A block of sound goes through them once, in this order.</summary>
    private static readonly string[][] s_rooms =
    [
        ["Clocks", "Graph"], ["Telemetry"], ["Sources"], ["FrontEnd"], ["Scheduling"], ["Decoding"], ["Sinks"], ["Definitions"],
        ["Pipelines"],
    ];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_References_AreThoseOfTheDesign(string project, string[] allowed)
    {
        var assembly = s_assemblies.Single(a => a.GetName().Name == project);
        var found = assembly.GetReferencedAssemblies().Select(a => a.Name!)
            .Where(n => !n.StartsWith("System.", StringComparison.Ordinal)
                && n is not ("Spectre.Console.Ansi" or "Microsoft.Win32.Primitives"));

        Assert.DoesNotContain(found, f => !allowed.Any(a => FileSystemName.MatchesSimpleExpression(a, f, ignoreCase: false)));
    }

    [Fact]
    public void Types_OfAllProjects_LiveInTheNamespaceOfTheirFolder()
    {
        var wrong = new List<string>();
        foreach (var file in Sources())
        {
            var expected = Path.GetDirectoryName(file)!.Replace(Path.DirectorySeparatorChar, '.');
            var line = File.ReadLines(Path.Combine(Root, file)).FirstOrDefault(l => l.StartsWith("namespace ", StringComparison.Ordinal));
            if (line is not null && line != $"namespace {expected};")
                wrong.Add($"{file}: {line}");
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Rooms_OfTheEngine_UseOnlyThoseBeforeThem()
    {
        const string engine = "AstStream.Streaming.";
        var order = s_rooms.SelectMany((rooms, i) => rooms.Select(r => (Room: engine + r, Level: i)))
            .ToDictionary(r => r.Room, r => r.Level);
        var arrows = Arrows(typeof(DataflowGraph).Assembly).ToList();

        Assert.Equal(order.Keys.Order(), arrows.SelectMany(a => (string[])[a.From, a.To]).Distinct().Order());
        Assert.DoesNotContain(arrows, a => order[a.From] <= order[a.To]);
    }

    [Fact]
    public void Folders_OfAllProjects_HaveNoCircle()
    {
        var arrows = s_assemblies.SelectMany(Arrows).ToList();
        var next = arrows.ToLookup(a => a.From);
        var circles = new List<string>();
        foreach (var start in arrows.Select(a => a.From).Distinct())
        {
            var paths = new Queue<string[]>([[start]]);
            var seen = new HashSet<string>(StringComparer.Ordinal);
            while (paths.TryDequeue(out var path))
            {
                foreach (var arrow in next[path[^1]])
                {
                    if (arrow.To == start)
                        circles.Add(string.Join(
                            "\n  ", path.Append(start).Zip(path.Skip(1).Append(start), (a, b) => next[a].First(x => x.To == b).Text)));
                    else if (seen.Add(arrow.To))
                        paths.Enqueue([.. path, arrow.To]);
                }
            }
        }

        Assert.True(circles.Count == 0, string.Join("\n\n", circles));
    }

    [Fact]
    public void Files_OfAllProjects_HoldOneTypeThatTheyAreNamedAfter()
    {
        var wrong = new List<string>();
        foreach (var file in Sources())
        {
            var types = TypeDeclaration().Matches(File.ReadAllText(Path.Combine(Root, file))).Select(m => m.Groups[1].Value).ToList();
            var name = Path.GetFileNameWithoutExtension(file);
            if (types.Count > 1 || (types.Count == 1 && !IsNamedAfter(name, types[0])))
                wrong.Add($"{file}: {string.Join(", ", types)}");
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Lines_OfAllCode_HaveAtMost140Characters()
    {
        var wrong = new List<string>();
        foreach (var file in (string[])[.. Code("src"), .. Code("tests"), .. Code("load-tests")])
        {
            var isRaw = false; // text between three quotes is data
            foreach (var (number, line) in File.ReadLines(file).Index())
            {
                var quotes = line.Split("\"\"\"").Length - 1;
                if (line.Length > 140 && quotes == 0 && !isRaw)
                    wrong.Add($"{file}:{number + 1}");
                isRaw ^= quotes % 2 == 1;
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void Files_OfAllProjects_HaveUnder350Lines()
    {
        List<string> wrong = [.. Sources().Where(f => File.ReadLines(Path.Combine(Root, f)).Count() >= MostLines)];

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    [Fact]
    public void Classes_OfAllProjects_HaveAtMostTwelveFieldsThatChange()
    {
        const BindingFlags own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        List<string> wrong =
        [
            .. s_assemblies.SelectMany(a => a.GetTypes())
                .Where(t => t.IsClass && t.Namespace is { } space && IsOurs(space) && !t.IsDefined(typeof(CompilerGeneratedAttribute))
                    && !t.IsDefined(typeof(GeneratedCodeAttribute)) && !t.Name.Contains('<', StringComparison.Ordinal))
                .Select(t => (Type: t.FullName, Fields: t.GetFields(own).Count(f => !f.IsInitOnly)))
                .Where(t => t.Fields > MostChangingFields).Select(t => $"{t.Type}: {t.Fields}"),
        ];

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    internal static string Repository
    {
        get
        {
            var folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "AstStream.sln")))
                folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the tests do not run inside the repository");
            return folder;
        }
    }

    internal static string Root => Path.Combine(Repository, "src");

    private static IEnumerable<string> Sources() => Code("src").Select(f => Path.GetRelativePath(Root, f));

    private static IEnumerable<string> Code(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Repository, folder), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Split(Path.DirectorySeparatorChar).Any(p => p is "obj" or "bin"));

    [GeneratedRegex(
        @"^(?:public |internal |file )?(?:(?:static|abstract|sealed|partial|readonly|unsafe|ref) )*"
            + @"(?:class|struct|enum|interface|record struct|record class|record) (\w+)",
        RegexOptions.Multiline)]
    private static partial Regex TypeDeclaration();

    /// <summary>Which folders of an assembly use which others of it, and by what types first.</summary>
    private static IEnumerable<Arrow> Arrows(Assembly assembly)
    {
        var arrows = new Dictionary<(string From, string To), Arrow>();
        foreach (var type in assembly.GetTypes())
        {
            foreach (var used in TypeUse.Of(type).Where(u => u.Assembly == assembly))
            {
                var (from, to) = (type.Namespace, used.Namespace);
                if (from is not null && to is not null && from != to && IsOurs(from) && IsOurs(to))
                    arrows.TryAdd((from, to), new Arrow(from, to, $"{Outer(type)} uses {Outer(used)}"));
            }
        }

        return arrows.Values;
    }

    /// <summary>A generic type has a T after its name, a part of a type what the part is.</summary>
    private static bool IsNamedAfter(string file, string type) =>
        file == type || file == type + "T" || file.StartsWith(type + ".", StringComparison.Ordinal);

    private static bool IsOurs(string space) => space.StartsWith("AstStream.", StringComparison.Ordinal);

    private static string Outer(Type type) => type.DeclaringType is { } outer ? Outer(outer) : type.FullName!;

    private sealed record Arrow(string From, string To, string Text)
    {
        public override string ToString() => Text;
    }
}
