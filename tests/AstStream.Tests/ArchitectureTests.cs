using System.Reflection;
using AstStream.Connectors;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Model;
using AstStream.Streaming;

namespace AstStream.Tests;

public class ArchitectureTests
{
    /// <summary>Who may know whom, and which packages stay inside one project.</summary>
    public static TheoryData<Type, string[]> References => new()
    {
        { typeof(OnlineFbank), [] },
        { typeof(AstSession), ["Microsoft.ML.OnnxRuntime"] },
        { typeof(EventDecoder), [] },
        { typeof(DataflowGraph), ["AstStream.Dsp", "AstStream.Events", "AstStream.Model", "Microsoft.Extensions.Logging.Abstractions", "Polly.Core", "YamlDotNet"] },
        { typeof(FileSource), ["AstStream.Dsp", "AstStream.Events", "AstStream.Streaming", "Confluent.Kafka", "Microsoft.Data.Sqlite", "Microsoft.Extensions.FileSystemGlobbing", "Polly.Core", "PortAudioSharp", "Spectre.Console"] },
    };

    [Theory]
    [MemberData(nameof(References))]
    public void Project_References_AreThoseOfTheDesign(Type inside, string[] allowed)
    {
        var found = inside.Assembly.GetReferencedAssemblies().Select(a => a.Name!)
            .Where(n => !n.StartsWith("System.", StringComparison.Ordinal) && n is not ("Spectre.Console.Ansi" or "Microsoft.Win32.Primitives"));

        Assert.Subset(allowed.ToHashSet(), found.ToHashSet());
    }

    [Fact]
    public void PublicTypes_LiveInTheirProjectsNamespace()
    {
        foreach (var type in (Type[])[typeof(OnlineFbank), typeof(AstSession), typeof(EventDecoder), typeof(DataflowGraph), typeof(FileSource)])
            Assert.All(type.Assembly.GetExportedTypes(), t => Assert.StartsWith(Assembly.GetAssembly(type)!.GetName().Name!, t.Namespace, StringComparison.Ordinal));
    }
}
